import type { RoutedEvent } from "@loom-bridge/protocol/messages";
import type { Settlement } from "./settlement.ts";

/** An event as it came on one stream. */
export interface ReceivedEvent {
  readonly subscription: number;
  readonly sequence: number;
  /** Which delivery of the event this is, counted from 1. */
  readonly attempt: number;
  /** When it came, on the monotonic clock. */
  readonly receivedMs: number;
  readonly routed: RoutedEvent;
  /** Tells the bridge. Means nothing once the stream is over. */
  settle(settlement: Settlement): void;
}
