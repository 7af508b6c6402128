import type { LoggedEvent } from "./bus-event.ts";
import type { TopicCounts } from "./bus-statistics.ts";

/**
 * An event in the queues of all who get it. Who has something to write into it makes a copy first: who settles each event,
 * a group, and who loses what comes after it. An object for each subscriber would be most of what the collector moves.
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
