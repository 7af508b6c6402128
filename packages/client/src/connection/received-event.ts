import type { EncodedEvent } from "../wire/encoded-batch.ts";
import type { Settlement } from "./settlement.ts";

/** What the events of a batch have in common. */
export interface Arrival {
  readonly subscription: number;
  /** Which delivery of the events this is, counted from 1. */
  readonly attempt: number;
  /** When they came, on the monotonic clock. */
  readonly receivedMs: number;
}

/** An event as it came on one stream. */
export interface ReceivedEvent {
  readonly arrival: Arrival;
  readonly sequence: number;
  readonly encoded: EncodedEvent;
  /** Tells the bridge. Means nothing once the stream is over. */
  settle(settlement: Settlement): void;
}
