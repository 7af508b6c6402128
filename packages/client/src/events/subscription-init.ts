import { create } from "@bufbuild/protobuf";
import { LoomError, parseFilter } from "@loom-bridge/protocol";
import { Qos, type Subscription, SubscriptionSchema } from "@loom-bridge/protocol/messages";
import type { Envelope } from "./envelope.ts";
import type { EventContext } from "./event-context.ts";

/** Handles an event. What it throws is reported and the event counts as handled. */
export type EventHandler = (context: EventContext, envelope: Envelope) => unknown;

export interface SubscribeOptions {
  /** How events are queued for this agent. Default: `batched`, which loses nothing. */
  qos?: "realtime" | "batched" | "background";
  /** Only events of these types. Default: all. */
  eventTypes?: readonly string[];
  /** How many events the bridge may send ahead of the handler. Default: the agent's window. */
  window?: number;
}

/** A subscription that stands from the start. */
export interface SubscriptionInit extends SubscribeOptions {
  /** Topics or patterns: `*` stands for one segment, a trailing `**` for one or more. */
  filters: string | readonly string[];
  /** Default: the agent's `onEvent`. */
  handler?: EventHandler;
}

/** @throws LoomError `invalid_argument` for a filter or window that cannot be. */
export function createSubscription(id: number, init: SubscriptionInit, defaultWindow: number): Subscription {
  const filters = typeof init.filters === "string" ? [init.filters] : [...init.filters];
  if (filters.length === 0) {
    throw new LoomError("invalid_argument", "filters is empty; a subscription needs at least one");
  }
  for (const filter of filters) parseFilter(filter);
  const window = init.window ?? defaultWindow;
  checkPositive("window", window);
  const qos = init.qos === undefined ? Qos.UNSPECIFIED : qosValues[init.qos];
  return create(SubscriptionSchema, { id, filters, eventTypes: [...(init.eventTypes ?? [])], qos, window });
}

export function checkPositive(field: string, value: number): void {
  if (Number.isInteger(value) && value > 0 && value <= 0xffff) return;
  throw new LoomError("invalid_argument", `${field} is ${value}; it must be a whole number from 1 to 65535`, {
    details: { field },
  });
}

const qosValues = { realtime: Qos.REALTIME, batched: Qos.BATCHED, background: Qos.BACKGROUND } as const;
