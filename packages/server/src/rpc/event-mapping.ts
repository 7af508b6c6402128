import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { envelopeKeys, LoomError, limits, readEnvelopeKey } from "@loom-bridge/protocol";
import {
  type Event,
  EventSchema,
  type PublishItem,
  Qos,
  type RoutedEvent,
  RoutedEventSchema,
  type Subscription,
  SubscriptionSchema,
} from "@loom-bridge/protocol/messages";
import type { BusEvent } from "../domain/bus/bus-event.ts";
import type { SubscriptionRequest } from "../domain/bus/event-bus.ts";
import { defaultQuality, type Quality } from "../domain/bus/quality.ts";

/**
 * An event that came decoded. The bridge writes who sent it into the metadata, where a subscriber without batches
 * finds it, unless the publisher did.
 */
export function fromEvent(topic: string, event: Event | undefined, sender: string): BusEvent {
  if (event === undefined) throw invalid("event", "is missing; set it");
  checkEvent(event);
  if (sender !== "" && readEnvelopeKey(event.metadata, envelopeKeys.sender) === undefined) {
    event.metadata[envelopeKeys.sender] = sender;
  }
  return checkSize({ topic, id: event.id, type: event.type, sender, body: toBinary(EventSchema, event) });
}

/** An event that came encoded, and stays so. */
export function fromPublishItem(item: PublishItem, sender: string): BusEvent {
  // The bytes are a view on the whole message, which a queued event would keep alive.
  return checkSize({ topic: item.topic, id: item.id, type: item.type, sender, body: item.event.slice() });
}

export function toEvent(event: BusEvent): Event {
  return fromBinary(EventSchema, event.body);
}

export function toRoutedEvent(event: BusEvent): RoutedEvent {
  return create(RoutedEventSchema, { topic: event.topic, event: event.body, sender: event.sender });
}

export function toSubscriptionRequest(subscription: Subscription): SubscriptionRequest {
  const { id, filters, eventTypes, window } = subscription;
  return { id, filters, eventTypes, window, quality: toQuality(subscription.qos) };
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
    qos: { realtime: Qos.REALTIME, batched: Qos.BATCHED, background: Qos.BACKGROUND }[quality],
  });
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
  if (pairs.length > limits.metadataPairs) {
    throw exhausted("event.metadata", `has ${pairs.length} pairs; at most ${limits.metadataPairs} are allowed`);
  }
  for (const [key, value] of pairs) {
    if (key.length > limits.metadataKeyBytes || value.length > limits.metadataValueBytes) {
      const { metadataKeyBytes, metadataValueBytes } = limits;
      throw exhausted(
        "event.metadata",
        `has a pair of ${key.length} and ${value.length} bytes; at most ${metadataKeyBytes} and ${metadataValueBytes} are allowed`,
      );
    }
  }
}

function checkSize(event: BusEvent): BusEvent {
  if (event.body.byteLength > limits.eventBytes) {
    throw exhausted("event", `has ${event.body.byteLength} bytes; at most ${limits.eventBytes} are allowed`);
  }
  return event;
}

function invalid(field: string, problem: string): LoomError {
  return new LoomError("invalid_argument", `${field} ${problem}`, { details: { field } });
}

function exhausted(field: string, problem: string): LoomError {
  return new LoomError("resource_exhausted", `${field} ${problem}`, { details: { field } });
}
