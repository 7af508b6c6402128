import type { Settlement } from "./settlement.ts";

/** What has come of one subscription on one stream, and what the bridge is told of it. */
export interface EventLine {
  /** Notes an event that has come. */
  received(sequence: number): void;
  /** Tells the bridge of an event that has come. Means nothing once the stream is over. */
  settle(sequence: number, settlement: Settlement): void;
}

/** What the events of a batch have in common. */
export interface Arrival {
  readonly line: EventLine;
  readonly subscription: number;
  /** Which delivery of the events this is, counted from 1. */
  readonly attempt: number;
  /** When they came, on the monotonic clock. */
  readonly receivedMs: number;
}
