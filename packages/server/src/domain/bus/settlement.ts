import { NumberMap, type Runtime, type Timer } from "@loom-bridge/protocol";
import type { EventNote } from "./event-note.ts";
import type { Queued } from "./queued.ts";

/** What a subscriber says of one event. */
export type Verdict =
  | { readonly kind: "acknowledge" }
  | { readonly kind: "retry"; readonly delayMs: number }
  | { readonly kind: "terminate"; readonly reason: string }
  | { readonly kind: "working" };

export interface SettlementOptions {
  readonly runtime: Runtime;
  /** How long an event may be unsettled before it is delivered again. Infinity: it is delivered once. */
  readonly settleTimeoutMs: number;
  readonly maxAttempts: number;
  readonly note: EventNote;
  /** Called when an event needs to be delivered again. */
  readonly onReady: () => void;
  /** Called when the subscriber is done with an event, one way or another. */
  readonly onDone: (item: Queued) => void;
  /** Called before that when it was not handled. */
  readonly onGivenUp: (item: Queued, reason: string) => void;
}

interface Unsettled {
  readonly sequence: number;
  readonly item: Queued;
  /** Whether it is with the subscriber; else it waits for its next delivery. */
  isOut: boolean;
  /** When it comes to be delivered again. Infinity: it waits to be taken. */
  dueMs: number;
}

/** An event that is delivered again. */
export interface Redelivery {
  readonly sequence: number;
  readonly item: Queued;
}

/** The events of one subscriber that were sent and are not settled. Its window bounds them. */
export class Settlement {
  readonly #options: SettlementOptions;
  readonly #unsettled = new NumberMap<Unsettled>();
  /** Everything before it is settled. */
  #first = 1;
  #lastSent = 0;
  readonly #again: Unsettled[] = [];
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#unsettled.size;
  }

  /** In words, where the event with this id is; nothing when it is not here. */
  placeOf(id: string): string | undefined {
    for (const { item, isOut } of this.#unsettled.values()) {
      if (item.event.id !== id) continue;
      return `delivered ${item.attempts} times, ${isOut ? "and not settled" : "and to be delivered again"}`;
    }
    return undefined;
  }

  sent(sequence: number, item: Queued): void {
    item.attempts += 1;
    const dueMs = this.#options.runtime.monotonic() + this.#options.settleTimeoutMs;
    this.#unsettled.set(sequence, { sequence, item, isOut: true, dueMs });
    this.#lastSent = sequence;
    this.#watch(dueMs);
  }

  /** Takes events whose time for another delivery has come. */
  takeAgain(maxItems: number): Redelivery[] {
    const taken: Redelivery[] = [];
    while (taken.length < maxItems) {
      const entry = this.#again.shift();
      if (entry === undefined) break;
      if (this.#unsettled.get(entry.sequence) !== entry || entry.isOut) continue;
      entry.isOut = true;
      entry.item.attempts += 1;
      this.#setDue(entry, this.#options.settleTimeoutMs);
      taken.push(entry);
    }
    return taken;
  }

  /** The subscriber is done with everything up to this sequence number. */
  acknowledge(sequence: number): void {
    const last = Math.min(sequence, this.#lastSent);
    for (; this.#first <= last; this.#first += 1) {
      const entry = this.#unsettled.get(this.#first);
      if (entry !== undefined) this.#acknowledge(entry);
    }
  }

  settle(sequence: number, verdict: Verdict): void {
    const entry = this.#unsettled.get(sequence);
    // Settled before, or never sent: there is nothing to change.
    if (entry === undefined) return;
    switch (verdict.kind) {
      case "acknowledge":
        this.#acknowledge(entry);
        return;
      case "terminate":
        this.#giveUp(entry, verdict.reason || "the subscriber gave no reason");
        return;
      case "working":
        if (entry.isOut) this.#setDue(entry, this.#options.settleTimeoutMs);
        return;
      case "retry":
        if (entry.isOut) this.#retry(entry, verdict.delayMs, "the subscriber asked for another delivery");
    }
  }

  /** Ends it; returns what is not settled, in order. */
  close(): Queued[] {
    this.#timer?.cancel();
    const items = this.#unsettled.values().map(({ item }) => item);
    this.#unsettled.clear();
    this.#again.length = 0;
    return items;
  }

  #acknowledge(entry: Unsettled): void {
    this.#options.note("acknowledged", entry.item.event, "");
    this.#finish(entry);
  }

  #finish(entry: Unsettled): void {
    this.#unsettled.take(entry.sequence);
    this.#options.onDone(entry.item);
    if (this.#unsettled.size === 0) this.#stopWatching();
  }

  #giveUp(entry: Unsettled, reason: string): void {
    this.#options.note("dead-lettered", entry.item.event, reason);
    this.#options.onGivenUp(entry.item, reason);
    this.#finish(entry);
  }

  #retry(entry: Unsettled, delayMs: number, why: string): void {
    if (entry.item.attempts >= this.#options.maxAttempts) {
      this.#giveUp(entry, `${why}, and it was delivered ${entry.item.attempts} times`);
      return;
    }
    this.#options.note("retried", entry.item.event, why);
    entry.isOut = false;
    if (delayMs > 0) {
      this.#setDue(entry, delayMs);
      return;
    }
    entry.dueMs = Number.POSITIVE_INFINITY;
    this.#again.push(entry);
    this.#options.onReady();
  }

  #setDue(entry: Unsettled, delayMs: number): void {
    entry.dueMs = this.#options.runtime.monotonic() + delayMs;
    this.#watch(entry.dueMs);
  }

  /** One timer for all, for the event that is due first. */
  #watch(dueMs: number): void {
    if (dueMs >= this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    const delayMs = dueMs - this.#options.runtime.monotonic();
    this.#timer = this.#options.runtime.setTimer(() => this.#onTimer(), delayMs);
  }

  #stopWatching(): void {
    this.#timer?.cancel();
    this.#timerDueMs = Number.POSITIVE_INFINITY;
  }

  #onTimer(): void {
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#options.runtime.monotonic();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const entry of this.#unsettled.values()) {
      if (entry.dueMs > nowMs) nextMs = Math.min(nextMs, entry.dueMs);
      else this.#retry(entry, 0, `it was not settled within ${this.#options.settleTimeoutMs} ms`);
    }
    this.#watch(nextMs);
  }
}
