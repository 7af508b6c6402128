import { createHash } from "node:crypto";
import { PublishGeneration, type Remembered } from "./publish-generation.ts";
import type { PublishOutcome } from "./publish-outcome.ts";

/** How long a publish is remembered, in milliseconds. A client that lost its connection is back within seconds. */
export const publishMemoryMs = 120_000;
/** How many publishes are remembered at most; the oldest eighth is forgotten first. */
export const maxRemembered = 100_000;

const generationSize = maxRemembered / 8;
const generationMs = publishMemoryMs / 8;
/** Ids longer than this are remembered by their hash. */
const maxKeyLength = 160;
/** Places for ids that were seen. With ten for each id, nine in ten that are new are told to be without a look-up. */
const seenPlaces = 2 ** 20;

/**
 * Remembers what was published, so that a publisher that did not hear the answer may ask again. It is asked for every
 * event, and nearly always for one that it does not know: looking that up among so many would cost more than all else
 * that the bus does, and so would taking them out again one by one. So they are kept by generations, and each id marks
 * a place with the latest generation that had it.
 */
export class PublishMemory {
  readonly #now: () => number;
  readonly #seen = new Uint8Array(seenPlaces);
  /** Oldest first, never empty. */
  readonly #generations: PublishGeneration[];
  /** Of the latest generation, counted from 1. */
  #number = 1;

  /** @param now a clock in milliseconds that never goes back */
  constructor(now: () => number) {
    this.#now = now;
    this.#generations = [new PublishGeneration(now())];
  }

  get size(): number {
    return this.#generations.reduce((sum, { size }) => sum + size, 0);
  }

  /** What became of a publish with this id, if it was within the time. */
  find(sender: string, id: string): PublishOutcome | Promise<PublishOutcome> | undefined {
    const key = keyOf(id);
    if (!this.#mayKnow(placeOf(key))) return undefined;
    for (let index = this.#generations.length - 1; index >= 0; index -= 1) {
      const found = this.#generations[index]?.get(sender, key);
      if (found !== undefined) return this.#now() - found.atMs < publishMemoryMs ? found.outcome : undefined;
    }
    return undefined;
  }

  remember(sender: string, id: string, outcome: PublishOutcome | Promise<PublishOutcome>, ageMs = 0): void {
    const key = keyOf(id);
    const nowMs = this.#now();
    const generation = this.#latest(nowMs);
    const remembered: Remembered = { sender, atMs: nowMs - ageMs, outcome };
    generation.set(key, remembered);
    this.#seen[placeOf(key)] = markOf(this.#number);
    if (!(outcome instanceof Promise)) return;
    outcome.then(
      // What waits keeps much alive; what became of it keeps nothing.
      (settled) => generation.replace(key, remembered, { ...remembered, outcome: settled }),
      // It was not published, so the next attempt is the first.
      () => generation.replace(key, remembered, undefined),
    );
  }

  /** Whether an id at this place may be in a generation that is kept. */
  #mayKnow(place: number): boolean {
    const mark = this.#seen[place] ?? 0;
    if (mark === 0) return false;
    // Marks come again after 255 generations, when those of before are long gone: then one looks in vain.
    return (markOf(this.#number) - mark + 255) % 255 < this.#generations.length;
  }

  #latest(nowMs: number): PublishGeneration {
    const latest = this.#generations.at(-1) as PublishGeneration;
    if (latest.size < generationSize && nowMs - latest.beganMs < generationMs) {
      latest.endedMs = nowMs;
      return latest;
    }
    const next = new PublishGeneration(nowMs);
    this.#generations.push(next);
    this.#number += 1;
    let size = this.size;
    for (let oldest = this.#generations[0]; oldest !== undefined; oldest = this.#generations[0]) {
      if (nowMs - oldest.endedMs < publishMemoryMs && size + generationSize <= maxRemembered) break;
      size -= oldest.size;
      this.#generations.shift();
    }
    return next;
  }
}

function markOf(number: number): number {
  return (number % 255) + 1;
}

function keyOf(id: string): string {
  return id.length <= maxKeyLength ? id : createHash("sha256").update(id).digest("base64");
}

/** Where many ids share a place, by chance or by intent, they are only looked up. */
function placeOf(key: string): number {
  let hash = 0;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash, 31) + key.charCodeAt(index);
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 12;
}
