import type { LoggedEvent } from "./bus-event.ts";
import type { TopicCounts } from "./bus-statistics.ts";

/**
 * An event in a subscriber's queue, or in many: who writes something into it has a copy, as nobody does of an event that
 * is delivered once. One for each copy of an event would be most of what the collector has to move.
 */
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

  copy(): Queued {
    const own = new Queued(this.event, this.counts);
    own.attempts = this.attempts;
    own.lostAfter = this.lostAfter;
    return own;
  }
}

export type LossReason = "queue-full" | "not-retained";

/** Events that a subscriber does not get. */
export interface Loss {
  readonly count: number;
  readonly reason: LossReason;
}
