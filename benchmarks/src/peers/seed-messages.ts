import { create } from "@bufbuild/protobuf";
import {
  type ClientEvent,
  ClientEventSchema,
  type Delivery,
  DeliverySchema,
  type Event,
  EventSchema,
} from "@loom-bridge/protocol/messages";
import type { BenchEvent } from "../event.ts";

// The messages of a client and a bridge that know Register, Publish, Heartbeat, Event and Ack alone.

/** How often a participant says that it lives: more often than needed, so that a short run has some. */
export const heartbeatMs = 1000;

export function register(agentId: string, topics: readonly string[]): ClientEvent {
  return create(ClientEventSchema, { event: { case: "register", value: { agentId, topics: [...topics] } } });
}

export function publish(topic: string, event: BenchEvent): ClientEvent {
  return create(ClientEventSchema, { event: { case: "publish", value: { topic, event: toMessage(event) } } });
}

export function heartbeat(): ClientEvent {
  return create(ClientEventSchema, { event: { case: "heartbeat", value: { timestampMs: BigInt(Date.now()) } } });
}

export function ack(): Delivery {
  return create(DeliverySchema, { delivery: { case: "ack", value: { success: true } } });
}

export function delivery(event: Event): Delivery {
  return create(DeliverySchema, { delivery: { case: "event", value: event } });
}

export function toMessage({ id, type, timestampMs, source, metadata, payload }: BenchEvent): Event {
  return create(EventSchema, { id, type, timestampMs: BigInt(timestampMs), source, metadata, payload });
}
