import type { SeededRandom } from "../clock/seeded-random.ts";

/** What the faults do to everything that goes one way over one link. */
export class Gate {
  readonly #random: SeededRandom;
  /** Added to the way of everything. */
  latencyMs = 0;
  /** At most this much more, by chance. */
  jitterMs = 0;
  /** The least time between two messages. */
  intervalMs = 0;
  /** Nothing arrives, and nothing is lost. */
  isHeld = false;
  /** Nothing arrives, and all is lost. */
  isCut = false;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** How long something is under way that is sent now. */
  delayMs(): number {
    const jitterMs = this.jitterMs === 0 ? 0 : Math.floor(this.#random.next() * (this.jitterMs + 1));
    return this.latencyMs + jitterMs;
  }
}
