import type { Runtime, Timer } from "@loom-bridge/protocol";

/**
 * One timer for the deadlines of many calls. Nearly all of them end long before: to set a timer for each and to take it
 * back would cost more than the look at all that are left, when the earliest deadline has come.
 */
export class DeadlineTimer {
  readonly #runtime: Runtime;
  readonly #onDue: (nowMs: number) => void;
  #timer: Timer | undefined;
  #dueMs = Number.POSITIVE_INFINITY;

  /** `onDue` ends what is due, and calls `add` for all that is left. */
  constructor(runtime: Runtime, onDue: (nowMs: number) => void) {
    this.#runtime = runtime;
    this.#onDue = onDue;
  }

  /** Sees to a deadline on the runtime's monotonic clock, which now says `nowMs`. */
  add(deadlineMs: number, nowMs: number): void {
    if (deadlineMs >= this.#dueMs) return;
    this.cancel();
    this.#dueMs = deadlineMs;
    this.#timer = this.#runtime.setTimer(() => {
      this.#dueMs = Number.POSITIVE_INFINITY;
      this.#onDue(this.#runtime.monotonic());
    }, deadlineMs - nowMs);
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#dueMs = Number.POSITIVE_INFINITY;
  }
}
