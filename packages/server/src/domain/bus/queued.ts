import type { LoggedEvent } from "./bus-event.ts";
import type { TopicCounts } from "./bus-statistics.ts";

/** An event in a subscriber's queue. */
export interface Queued {
  readonly event: LoggedEvent;
  readonly counts: TopicCounts;
  /** How often it was delivered. */
  attempts: number;
  /** How many events were lost between this one and the next. */
  lostAfter: number;
}

export type LossReason = "queue-full" | "not-retained";

/** Events that a subscriber does not get. */
export interface Loss {
  readonly count: number;
  readonly reason: LossReason;
}
