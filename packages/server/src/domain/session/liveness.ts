import type { Runtime, Timer } from "@loom-bridge/protocol";

export interface LivenessOptions {
  readonly runtime: Runtime;
  readonly heartbeatIntervalMs: number;
  /** Whether the bridge does not read, so that silence is not the agent's. */
  readonly isHeldBack: () => boolean;
  /** Called after three silent intervals. */
  readonly onSilence: (silenceMs: number) => void;
}

/** Knows when an agent said something last, and calls when it has been silent for too long. */
export class Liveness {
  readonly #options: LivenessOptions;
  #lastSeen: number;
  #lastSeenMs: number;
  #timer: Timer;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#lastSeen = options.runtime.monotonic();
    this.#lastSeenMs = options.runtime.now();
    this.#timer = this.#watch(this.#silenceMs);
  }

  /** In milliseconds since the Unix epoch. */
  get lastSeenMs(): number {
    return this.#lastSeenMs;
  }

  /** Whether no heartbeat is missing. */
  get isActive(): boolean {
    // Half an interval of grace: a heartbeat that is on its way is not missing.
    return this.#options.runtime.monotonic() - this.#lastSeen < 1.5 * this.#options.heartbeatIntervalMs;
  }

  heard(): void {
    this.#lastSeen = this.#options.runtime.monotonic();
    this.#lastSeenMs = this.#options.runtime.now();
  }

  close(): void {
    this.#timer.cancel();
  }

  get #silenceMs(): number {
    return 3 * this.#options.heartbeatIntervalMs;
  }

  #watch(delayMs: number): Timer {
    return this.#options.runtime.setTimer(() => {
      if (this.#options.isHeldBack()) this.heard();
      const silentMs = this.#options.runtime.monotonic() - this.#lastSeen;
      if (silentMs < this.#silenceMs) this.#timer = this.#watch(this.#silenceMs - silentMs);
      else this.#options.onSilence(this.#silenceMs);
    }, delayMs);
  }
}
