import type { Journal } from "../journal/journal.ts";
import type { LoggedEvent } from "./bus-event.ts";
import type { Loss, LossReason, Queued } from "./queued.ts";
import type { Settlement } from "./settlement.ts";
import { Window } from "./window.ts";

/** What a subscriber takes: a gap that comes first, if any, then events with consecutive sequence numbers. */
export interface Taken {
  readonly gap: { readonly first: number; readonly last: number; readonly reason: LossReason } | undefined;
  readonly firstSequence: number;
  /** Which delivery of these events this is, counted from 1. */
  readonly attempt: number;
  readonly events: readonly LoggedEvent[];
}

/** One subscriber's side of a feed: gives events their sequence numbers, counted from 1, and knows what is in flight. */
export class Outlet {
  readonly #maxInFlight: number;
  readonly #settlement: Settlement | undefined;
  readonly #window: Window | undefined;
  readonly #journal: Journal;
  readonly #subscriber: string;
  /** The sequence number of the last event that was taken or lost; these have numbers too. */
  #left = 0;

  /** @param settlement where every event matters by itself; without it they are only counted */
  constructor(window: number, settlement: Settlement | undefined, journal: Journal, subscriber: string) {
    this.#journal = journal;
    this.#subscriber = subscriber;
    this.#maxInFlight = window === 0 ? Number.POSITIVE_INFINITY : window;
    this.#settlement = settlement;
    this.#window = settlement === undefined && window > 0 ? new Window() : undefined;
  }

  get inFlight(): number {
    return this.#settlement?.inFlight ?? this.#window?.inFlight ?? 0;
  }

  /** In words, where the event with this id is; nothing when it is settled or nobody asks for that. */
  placeOf(id: string): string | undefined {
    return this.#settlement?.placeOf(id);
  }

  /** How many more events may be taken now. */
  get room(): number {
    return this.#maxInFlight - this.inFlight;
  }

  /** Events whose time for another delivery has come; each keeps its number and is a batch of its own. */
  takeAgain(maxItems: number): Taken[] {
    return (this.#settlement?.takeAgain(maxItems) ?? []).map(({ sequence, item }) => {
      const { id, topic } = item.event;
      this.#journal.record("sent", id, this.#subscriber, topic, { attempt: item.attempts });
      return { gap: undefined, firstSequence: sequence, attempt: item.attempts, events: [item.event] };
    });
  }

  /** The subscriber is done with everything up to this sequence number. */
  acknowledge(sequence: number): void {
    this.#window?.acknowledge(sequence);
    this.#settlement?.acknowledge(sequence);
  }

  /** Everything up to the first loss or change of attempts is one batch. */
  pack(loss: Loss | undefined, items: readonly Queued[]): Taken[] {
    const batches: Taken[] = [];
    let pending = loss;
    let start = 0;
    for (let place = 0; place < items.length; place += 1) {
      const item = items[place] as Queued;
      const isLast = place === items.length - 1;
      if (!isLast && item.lostAfter === 0 && items[place + 1]?.attempts === item.attempts) continue;
      batches.push(this.#batch(pending, start === 0 && isLast ? items : items.slice(start, place + 1)));
      start = place + 1;
      pending = item.lostAfter === 0 ? undefined : { count: item.lostAfter, reason: "queue-full" };
      item.lostAfter = 0;
    }
    if (pending !== undefined) batches.push(this.#batch(pending, []));
    return batches;
  }

  #batch(loss: Loss | undefined, items: readonly Queued[]): Taken {
    let gap: Taken["gap"];
    if (loss !== undefined) {
      gap = { first: this.#left + 1, last: this.#left + loss.count, reason: loss.reason };
      this.#left = gap.last;
    }
    const firstSequence = this.#left + 1;
    const attempt = (items[0]?.attempts ?? 0) + 1;
    this.#left += items.length;
    if (items.length > 0) this.#window?.sent(firstSequence, items.length);
    if (this.#settlement !== undefined) {
      for (const [place, item] of items.entries()) this.#settlement.sent(firstSequence + place, item);
    }
    const events = items.map(({ event }) => event);
    this.#journal.recordSent(events, this.#subscriber);
    return { gap, firstSequence, attempt, events };
  }
}
