import { create } from "@bufbuild/protobuf";
import { LoomError, parseFilter } from "@loom-bridge/protocol";
import {
  Delivered,
  Overflow,
  Qos,
  type Start,
  StartSchema,
  type Subscription,
  SubscriptionSchema,
} from "@loom-bridge/protocol/messages";
import type { Envelope } from "./envelope.ts";
import type { EventContext } from "./event-context.ts";

/**
 * Handles an event. What it throws is reported; then the event counts as handled, or, delivered at least once, is
 * delivered again.
 */
export type EventHandler = (context: EventContext, envelope: Envelope) => unknown;

/** How the events of a subscription are chosen, queued and handled. */
export interface SubscribeOptions {
  /** How events are queued for this agent. Default: `batched`, which loses nothing. */
  qos?: "realtime" | "batched" | "background";
  /** Only events of these types. Default: all. */
  eventTypes?: readonly string[];
  /** How many events the bridge may send ahead of the handler. Default: the agent's window. */
  window?: number;
  /**
   * `at-least-once`: an event is delivered until its handler has returned, also after this agent or the bridge was
   * away, so a handler must bear to see one twice. Default: `at-most-once`.
   */
  delivered?: "at-most-once" | "at-least-once";
  /** With `at-least-once`: how long an event may be unsettled before it is delivered again. Default: 30 000. */
  settleTimeoutMs?: number;
  /** With `at-least-once`: asks for more time by itself while a handler runs. Default: true. */
  autoExtend?: boolean;
  /** With `at-least-once`: how often an event is delivered before it goes to `$dlq.<topic>`. Default: 5; at most 100. */
  maxAttempts?: number;
  /**
   * Shares the events with the other members of the group: each event goes to one of them. Delivered at least once, a
   * group that lost every member goes on where it was when one is back within two minutes; with `durable`, always.
   */
  group?: string;
  /** Keeps this subscription's position on the bridge under this name, for a later agent of the same id. */
  durable?: string;
  /** What the bridge does when the subscription's queue is full. Default: as the quality says. */
  overflow?: "block" | "drop-oldest" | "drop-newest" | "latest-per-key" | "evict";
  /** Where to begin. Default: with the next event. */
  start?: SubscriptionStart;
}

/** Where a subscription begins, among the events that the bridge has kept. */
export type SubscriptionStart =
  | "oldest"
  /** The last event of each topic, then what follows. */
  | "last"
  /** After the event with this offset, of the log with this id. */
  | { after: number; logId: string }
  /** With the first event that was published at this time or later, in milliseconds since the Unix epoch. */
  | { since: number };

/** A subscription that stands from the start. */
export interface SubscriptionInit extends SubscribeOptions {
  /** Topics or patterns: `*` stands for one segment, a trailing `**` for one or more. */
  filters: string | readonly string[];
  /** Default: the agent's `onEvent`. */
  handler?: EventHandler;
}

/** @throws LoomError `invalid_argument` for a filter or number that cannot be. */
export function createSubscription(id: number, init: SubscriptionInit, defaultWindow: number): Subscription {
  const filters = typeof init.filters === "string" ? [init.filters] : [...init.filters];
  if (filters.length === 0) {
    throw new LoomError("invalid_argument", "filters is empty; a subscription needs at least one");
  }
  for (const filter of filters) parseFilter(filter);
  const { window = defaultWindow, delivered, settleTimeoutMs = 0, maxAttempts = 0, start } = init;
  checkPositive("window", window);
  if (delivered !== "at-least-once") checkAbsent(init, "settleTimeoutMs", "autoExtend", "maxAttempts");
  if (init.settleTimeoutMs !== undefined) checkRange("settleTimeoutMs", settleTimeoutMs, 100, 43_200_000);
  if (init.maxAttempts !== undefined) checkRange("maxAttempts", maxAttempts, 1, 100);
  return create(SubscriptionSchema, {
    id,
    filters,
    eventTypes: [...(init.eventTypes ?? [])],
    qos: init.qos === undefined ? Qos.UNSPECIFIED : qosValues[init.qos],
    window,
    delivered: delivered === undefined ? Delivered.UNSPECIFIED : deliveredValues[delivered],
    settleTimeoutMs,
    maxAttempts,
    group: init.group ?? "",
    durable: init.durable ?? "",
    overflow: init.overflow === undefined ? Overflow.UNSPECIFIED : overflowValues[init.overflow],
    ...(start === undefined ? {} : { start: createStart(start) }),
  });
}

export function checkPositive(field: string, value: number): void {
  checkRange(field, value, 1, 0xffff);
}

function createStart(start: SubscriptionStart): Start {
  if (start === "last") return create(StartSchema, { position: { case: "lastValue", value: true } });
  if (start === "oldest") return create(StartSchema, { position: { case: "afterOffset", value: 0n } });
  if ("since" in start) {
    checkRange("start.since", start.since, 0, Number.MAX_SAFE_INTEGER);
    return create(StartSchema, { position: { case: "sinceMs", value: BigInt(start.since) } });
  }
  checkRange("start.after", start.after, 0, Number.MAX_SAFE_INTEGER);
  return create(StartSchema, { position: { case: "afterOffset", value: BigInt(start.after) }, logId: start.logId });
}

function checkAbsent(init: SubscriptionInit, ...fields: (keyof SubscriptionInit)[]): void {
  const field = fields.find((name) => init[name] !== undefined);
  if (field === undefined) return;
  throw new LoomError("invalid_argument", `${field} means nothing without delivered: "at-least-once"`, {
    details: { field },
  });
}

function checkRange(field: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new LoomError("invalid_argument", `${field} is ${value}; it must be a whole number from ${least} to ${most}`, {
    details: { field },
  });
}

const qosValues = { realtime: Qos.REALTIME, batched: Qos.BATCHED, background: Qos.BACKGROUND } as const;

const deliveredValues = {
  "at-most-once": Delivered.AT_MOST_ONCE,
  "at-least-once": Delivered.AT_LEAST_ONCE,
} as const;

const overflowValues = {
  block: Overflow.BLOCK,
  "drop-oldest": Overflow.DROP_OLDEST,
  "drop-newest": Overflow.DROP_NEWEST,
  "latest-per-key": Overflow.LATEST_PER_KEY,
  evict: Overflow.EVICT,
} as const;
