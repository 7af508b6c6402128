import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { LoomError, limits } from "@loom-bridge/protocol";
import {
  Delivered,
  type Event,
  EventSchema,
  Overflow,
  type PublishItem,
  Qos,
  type RoutedEvent,
  RoutedEventSchema,
  type Settlement,
  type Subscription,
  SubscriptionSchema,
  Verdict as VerdictKind,
} from "@loom-bridge/protocol/messages";
import { atMost } from "../domain/at-most.ts";
import type { BusEvent, LoggedEvent } from "../domain/bus/bus-event.ts";
import { defaultQuality, type OverflowPolicy, type Quality } from "../domain/bus/quality.ts";
import type { Verdict } from "../domain/bus/settlement.ts";
import type { StartPosition, SubscriptionRequest } from "../domain/bus/subscription-request.ts";
import { fromChain, toChain } from "./chain-mapping.ts";
import { stampSender } from "./stamp-sender.ts";

/**
 * An event that came decoded. The bridge writes who sent it into the metadata, where a subscriber without batches
 * finds it.
 */
export function fromEvent(topic: string, event: Event | undefined, sender: string): BusEvent {
  if (event === undefined) throw invalid("event", "is missing; set it");
  checkEvent(event);
  stampSender(event.metadata, sender);
  return checkSize({ topic, id: event.id, type: event.type, sender, body: toBinary(EventSchema, event) });
}

/** An event that came encoded, and stays so. */
export function fromPublishItem(item: PublishItem, sender: string): BusEvent {
  // The bytes are a view on the whole message, which a queued event would keep alive.
  const body = item.event.slice();
  const { topic, id, type, key } = item;
  atMost(limits, { field: "key", unit: "bytes", count: Buffer.byteLength(key), limit: "idBytes" });
  return checkSize({ topic, id, type, sender, body, key, chain: toChain(item.chain) });
}

/** An event for a subscriber without batches. One that came encoded says of its sender what its publisher liked. */
export function toEvent({ body, sender }: BusEvent): Event {
  const event = fromBinary(EventSchema, body);
  if (sender !== "") stampSender(event.metadata, sender);
  return event;
}

export function toRoutedEvent({ topic, body, sender, offset, publishedMs, key, chain }: LoggedEvent): RoutedEvent {
  return create(RoutedEventSchema, {
    topic,
    event: body,
    sender,
    offset: BigInt(offset),
    publishedMs: BigInt(Math.floor(publishedMs)),
    key,
    ...(chain === undefined ? {} : { chain: fromChain(chain) }),
  });
}

/** Adds pairs to an encoded event: what is behind in a message is merged into what was before. */
export function annotateEvent(body: Uint8Array, metadata: Readonly<Record<string, string>>): Uint8Array {
  return Buffer.concat([body, toBinary(EventSchema, create(EventSchema, { metadata: { ...metadata } }))]);
}

export function toSubscriptionRequest(subscription: Subscription): SubscriptionRequest {
  const { id, filters, eventTypes, window, group, durable, settleTimeoutMs, maxAttempts } = subscription;
  const overflow = toOverflow(subscription.overflow);
  const start = toStart(subscription);
  return {
    id,
    filters,
    eventTypes,
    window,
    quality: toQuality(subscription.qos),
    atLeastOnce: subscription.delivered === Delivered.AT_LEAST_ONCE,
    ...(overflow === undefined ? {} : { overflow }),
    ...(start === undefined ? {} : { start }),
    ...(group === "" ? {} : { group }),
    ...(durable === "" ? {} : { durable }),
    ...(settleTimeoutMs === 0 ? {} : { settleTimeoutMs }),
    ...(maxAttempts === 0 ? {} : { maxAttempts }),
  };
}

/** A policy that this bridge does not know is treated as none, so that newer clients still work. */
function toOverflow(overflow: Overflow): OverflowPolicy | undefined {
  switch (overflow) {
    case Overflow.BLOCK:
      return "block";
    case Overflow.DROP_OLDEST:
      return "drop-oldest";
    case Overflow.DROP_NEWEST:
      return "drop-newest";
    case Overflow.LATEST_PER_KEY:
      return "latest-per-key";
    case Overflow.EVICT:
      return "evict";
    default:
      return undefined;
  }
}

function toStart({ start }: Subscription): StartPosition | undefined {
  const logId = start?.logId ?? "";
  switch (start?.position.case) {
    case "afterOffset":
      return { kind: "after", offset: Number(start.position.value), logId };
    case "sinceMs":
      return { kind: "since", timeMs: Number(start.position.value), logId };
    case "lastValue":
      return start.position.value ? { kind: "last-value", logId } : undefined;
    default:
      return undefined;
  }
}

/** As long as an event may be unsettled: 12 hours. */
const maxRetryDelayMs = 43_200_000;

/** A verdict that this bridge does not know leaves the event unsettled, so that it is delivered again. */
export function toVerdict({ verdict, delayMs, reason }: Settlement): Verdict {
  switch (verdict) {
    case VerdictKind.ACKNOWLEDGE:
      return { kind: "acknowledge" };
    case VerdictKind.TERMINATE:
      return { kind: "terminate", reason };
    case VerdictKind.WORKING:
      return { kind: "working" };
    default:
      return { kind: "retry", delayMs: Math.min(Math.max(0, delayMs), maxRetryDelayMs) };
  }
}

export function fromSubscriptionRequest({
  id,
  filters,
  eventTypes,
  window,
  quality,
}: SubscriptionRequest): Subscription {
  return create(SubscriptionSchema, {
    id,
    filters: [...filters],
    eventTypes: [...eventTypes],
    window,
    qos: fromQuality(quality),
  });
}

export function fromQuality(quality: Quality): Qos {
  return { realtime: Qos.REALTIME, batched: Qos.BATCHED, background: Qos.BACKGROUND }[quality];
}

/** A quality that this bridge does not know is treated as none, so that newer clients still work. */
export function toQuality(qos: Qos): Quality {
  switch (qos) {
    case Qos.REALTIME:
      return "realtime";
    case Qos.BATCHED:
      return "batched";
    case Qos.BACKGROUND:
      return "background";
    default:
      return defaultQuality;
  }
}

function checkEvent(event: Event): void {
  const pairs = Object.entries(event.metadata);
  const code = "resource_exhausted";
  atMost(limits, { field: "event.metadata", unit: "pairs", count: pairs.length, limit: "metadataPairs", code });
  for (const [key, value] of pairs) {
    const [field, unit] = ["a key of event.metadata", "bytes"];
    atMost(limits, { field, unit, count: key.length, limit: "metadataKeyBytes", code });
    atMost(limits, {
      field: "a value of event.metadata",
      unit,
      count: value.length,
      limit: "metadataValueBytes",
      code,
    });
  }
}

function checkSize(event: BusEvent): BusEvent {
  const { byteLength: count } = event.body;
  atMost(limits, { field: "event", unit: "bytes", count, limit: "eventBytes", code: "resource_exhausted" });
  return event;
}

function invalid(field: string, problem: string): LoomError {
  return new LoomError("invalid_argument", `${field} ${problem}`, { details: { field } });
}
