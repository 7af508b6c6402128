import { createHash } from "node:crypto";
import type { PublishOutcome } from "./publish-outcome.ts";

/** How long a publish is remembered, in milliseconds. A client that lost its connection is back within seconds. */
export const publishMemoryMs = 120_000;
/** How many publishes are remembered; the oldest are forgotten first. */
export const maxRemembered = 100_000;

interface Remembered {
  readonly atMs: number;
  readonly outcome: PublishOutcome | Promise<PublishOutcome>;
}

/**
 * Publishes from one sweep to the next, and the room that a sweep of a full memory makes. A map walks over everything
 * that was deleted at its front before it finds the first entry, so few large sweeps cost less than many small ones.
 */
const sweepEvery = 4096;

/** Ids longer than this are remembered by their hash. */
const maxKeyLength = 160;

/** Remembers what was published, so that a publisher that did not hear the answer may ask again. */
export class PublishMemory {
  readonly #publishes = new Map<string, Remembered>();
  readonly #now: () => number;
  #sinceSweep = 0;
  /** What was asked for last, which is mostly remembered next: making its key costs more than looking it up. */
  readonly #asked = { sender: "", id: "", key: "", isKnown: true };

  /** @param now a clock in milliseconds that never goes back */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#publishes.size;
  }

  /** What became of a publish with this id, if it was within the time. */
  find(sender: string, id: string): PublishOutcome | Promise<PublishOutcome> | undefined {
    const key = keyOf(sender, id);
    const found = this.#publishes.get(key);
    const asked = this.#asked;
    asked.sender = sender;
    asked.id = id;
    asked.key = key;
    asked.isKnown = found !== undefined;
    return found === undefined || this.#isOver(found) ? undefined : found.outcome;
  }

  remember(sender: string, id: string, outcome: PublishOutcome | Promise<PublishOutcome>, ageMs = 0): void {
    const asked = this.#asked;
    const wasAsked = asked.id === id && asked.sender === sender;
    const key = wasAsked ? asked.key : keyOf(sender, id);
    const remembered = { atMs: this.#now() - ageMs, outcome };
    // Deleted first, so that the map stays in the order of time.
    if (!wasAsked || asked.isKnown) this.#publishes.delete(key);
    asked.isKnown = true;
    this.#publishes.set(key, remembered);
    if (outcome instanceof Promise) {
      outcome.then(
        // What waits keeps much alive; what became of it keeps nothing.
        (settled) => this.#replace(key, remembered, { ...remembered, outcome: settled }),
        // It was not published, so the next attempt is the first.
        () => this.#replace(key, remembered, undefined),
      );
    }
    this.#sinceSweep += 1;
    if (this.#sinceSweep >= sweepEvery || this.#publishes.size > maxRemembered) this.#sweep();
  }

  #replace(key: string, expected: Remembered, next: Remembered | undefined): void {
    if (this.#publishes.get(key) !== expected) return;
    if (next === undefined) this.#publishes.delete(key);
    else this.#publishes.set(key, next);
  }

  #sweep(): void {
    this.#sinceSweep = 0;
    const kept = this.#publishes.size > maxRemembered ? maxRemembered - sweepEvery : maxRemembered;
    for (const [key, remembered] of this.#publishes) {
      if (this.#publishes.size <= kept && !this.#isOver(remembered)) break;
      this.#publishes.delete(key);
    }
  }

  #isOver({ atMs }: Remembered): boolean {
    return this.#now() - atMs >= publishMemoryMs;
  }
}

function keyOf(sender: string, id: string): string {
  return `${sender} ${id.length <= maxKeyLength ? id : createHash("sha256").update(id).digest("base64")}`;
}
