import type { LoggedEvent } from "./bus-event.ts";
import type { TopicCounts } from "./bus-statistics.ts";

/** An event in a subscriber's queue. */
export class Queued {
  readonly event: LoggedEvent;
  readonly counts: TopicCounts;
  /** How often it was delivered. */
  attempts = 0;
  /** How many events were lost between this one and the next. */
  lostAfter = 0;

  constructor(event: LoggedEvent, counts: TopicCounts) {
    this.event = event;
    this.counts = counts;
  }
}

export type LossReason = "queue-full" | "not-retained";

/** Events that a subscriber does not get. */
export interface Loss {
  readonly count: number;
  readonly reason: LossReason;
}
