import { deadLetterTopic } from "@loom-bridge/protocol";
import type { BusEvent, LoggedEvent } from "./bus-event.ts";

/** Adds pairs to the metadata of an encoded event. The bus knows no encoding; whoever composes the bridge does. */
export type Annotate = (body: Uint8Array, pairs: Readonly<Record<string, string>>) => Uint8Array;

export interface Failure {
  readonly reason: string;
  readonly attempts: number;
  /** The agent or the group that could not handle it. */
  readonly subscriber: string;
}

/** What is published on `$dlq.<topic>` of an event that was given up: the event, and why. */
export function createDeadLetter(event: LoggedEvent, failure: Failure, annotate: Annotate): BusEvent {
  const { topic, id, type, key } = event;
  const body = annotate(event.body, {
    "loom.dlq_reason": failure.reason.slice(0, 1024),
    "loom.dlq_attempts": String(failure.attempts),
    "loom.dlq_subscriber": failure.subscriber,
    "loom.dlq_topic": topic,
  });
  return { topic: deadLetterTopic(topic), id, type, sender: "", body, key, chain: undefined };
}
