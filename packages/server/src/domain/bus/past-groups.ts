import type { Runtime, Timer } from "@loom-bridge/protocol";
import { sizeOf } from "./bus-event.ts";
import type { Queued } from "./queued.ts";

/** Where a group stood when its last member left. */
export interface GroupPast {
  /** It was given every event up to this offset. */
  readonly through: number;
  /** What its members had and were not done with. */
  readonly left: readonly Queued[];
}

/** How long a group without members is remembered, in milliseconds: as long as publishes are; all are back by then. */
export const pastGroupMs = 120_000;
/** How many groups are remembered, and the bytes of what they left; the oldest are forgotten first. */
const maxPastGroups = 1000;
const maxPastBytes = 67_108_864;

interface Kept extends GroupPast {
  readonly atMs: number;
  readonly bytes: number;
}

/**
 * Remembers the groups whose members have all gone, delivered at least once and not durable, so that one outage which
 * takes every member loses nothing.
 */
export class PastGroups {
  readonly #runtime: Runtime;
  readonly #onForgotten: (item: Queued) => void;
  /** The ones kept longest first. */
  readonly #groups = new Map<string, Kept>();
  #bytes = 0;
  #timer: Timer | undefined;

  /** @param onForgotten called for each event that nobody came back for */
  constructor(runtime: Runtime, onForgotten: (item: Queued) => void) {
    this.#runtime = runtime;
    this.#onForgotten = onForgotten;
  }

  keep(key: string, past: GroupPast): void {
    const bytes = past.left.reduce((sum, { event }) => sum + sizeOf(event), 0);
    this.#groups.set(key, { ...past, atMs: this.#runtime.monotonic(), bytes });
    this.#bytes += bytes;
    this.#forget((size) => size > maxPastGroups || this.#bytes > maxPastBytes);
    this.#watch();
  }

  /** Where a group stood that begins again; it is remembered no longer. */
  recall(key: string): GroupPast | undefined {
    const past = this.#groups.get(key);
    if (past !== undefined) this.#remove(key, past);
    return past;
  }

  /** Forgets them all, and sets no timer any more. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#groups.clear();
    this.#bytes = 0;
  }

  #remove(key: string, { bytes }: Kept): void {
    this.#groups.delete(key);
    this.#bytes -= bytes;
  }

  /** Forgets the oldest for as long as there is a reason. */
  #forget(isDue: (size: number, oldest: Kept) => boolean): void {
    for (const [key, oldest] of this.#groups) {
      if (!isDue(this.#groups.size, oldest)) return;
      this.#remove(key, oldest);
      for (const item of oldest.left) this.#onForgotten(item);
    }
  }

  #watch(): void {
    const [oldest] = this.#groups.values();
    if (this.#timer !== undefined || oldest === undefined) return;
    this.#timer = this.#runtime.setTimer(
      () => {
        this.#timer = undefined;
        this.#forget((_, { atMs }) => this.#runtime.monotonic() - atMs >= pastGroupMs);
        this.#watch();
      },
      oldest.atMs + pastGroupMs - this.#runtime.monotonic(),
    );
  }
}
