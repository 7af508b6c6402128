import { type Runtime, systemRuntime } from "@loom-bridge/protocol";

interface Pending {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A runtime whose clock stands still until a test moves it. */
export class FakeRuntime implements Runtime {
  #nowMs = 1_000_000;
  #timers = new Set<Pending>();
  #ids = 0;

  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  setTimer(callback: () => void, delayMs: number): { cancel(): void } {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  defer(callback: () => void): void {
    systemRuntime.defer(callback);
  }

  random(): number {
    return 0.5;
  }

  uuid(): string {
    this.#ids += 1;
    return `id-${this.#ids}`;
  }

  /** Moves the clock, fires what is due in order, and lets the work that this starts come to rest. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
      await settle();
    }
    this.#nowMs = endMs;
    await settle();
  }
}

/** Lets everything that is ready now run. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
