import { createHash } from "node:crypto";
import type { PublishKey } from "./expected-keys.ts";
import { allQueued, type PublishOutcome } from "./publish-outcome.ts";
import { PublishTable } from "./publish-table.ts";

/** How long a publish is remembered, in milliseconds. A client that lost its connection is back within seconds. */
export const publishMemoryMs = 120_000;
/** How many publishes are remembered at most; the oldest are forgotten first. */
export const maxRemembered = 100_000;
/** One for each that comes would wait for memory each time; the processor fetches the next ones of many ahead. */
export const forgottenAtOnce = 128;

/** Ids longer than this are remembered by their hash. */
const maxKeyLength = 160;

/** Remembers what was published, so that a publisher that did not hear the answer may ask again. */
export class PublishMemory {
  readonly #now: () => number;
  readonly #table = new PublishTable();
  /** Outcomes that are more than two numbers, or not known yet, by the number of their publish. */
  readonly #others = new Map<number, PublishOutcome | Promise<PublishOutcome>>();

  /** @param now a clock in milliseconds that never goes back */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#table.size;
  }

  /** Makes ready for publishes that come next, one after the other. */
  expect(publishes: readonly PublishKey[]): void {
    this.#table.expect(publishes);
  }

  /** What became of a publish with this id, if it was within the time. */
  find(sender: string, id: string, nowMs: number = this.#now()): PublishOutcome | Promise<PublishOutcome> | undefined {
    const number = this.#table.find(sender, keyOf(id));
    if (number < 0) return undefined;
    if (nowMs - this.#table.atMs(number) >= publishMemoryMs) return undefined;
    const { matched, offset } = this.#table.read(number);
    return this.#others.get(number) ?? allQueued(matched, offset);
  }

  /** @param atMs when it was published: never earlier than one that is remembered */
  remember(
    sender: string,
    id: string,
    outcome: PublishOutcome | Promise<PublishOutcome>,
    atMs: number = this.#now(),
  ): void {
    this.#forget(atMs);
    const number = this.#table.add(sender, keyOf(id), atMs);
    if (!(outcome instanceof Promise)) return this.#settle(number, outcome);
    this.#others.set(number, outcome);
    outcome.then(
      // What waits keeps much alive; what became of it keeps little.
      (settled) => {
        this.#others.delete(number);
        if (this.#table.has(number)) this.#settle(number, settled);
      },
      // It was not published, so the next attempt is the first.
      () => {
        this.#others.delete(number);
        this.#table.delete(number);
      },
    );
  }

  #settle(number: number, outcome: PublishOutcome): void {
    if (outcome.dropped === 0) this.#table.write(number, outcome);
    else this.#others.set(number, outcome);
  }

  /** Makes room where there is none, and forgets those that are too old, some at a time. */
  #forget(nowMs: number): void {
    if (this.#table.length >= maxRemembered) for (let count = 0; count < forgottenAtOnce; count += 1) this.#shift();
    for (let count = 0; count < 64 && this.#table.length > 0; count += 1) {
      if (nowMs - this.#table.atMs(this.#table.first) < publishMemoryMs) return;
      this.#shift();
    }
  }

  #shift(): void {
    if (this.#others.size > 0) this.#others.delete(this.#table.first);
    this.#table.shift();
  }
}

function keyOf(id: string): string {
  return id.length <= maxKeyLength ? id : createHash("sha256").update(id).digest("base64");
}
