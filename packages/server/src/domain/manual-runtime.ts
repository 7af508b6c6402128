import { maxTimerDelayMs, type Runtime } from "@loom-bridge/protocol";

/** A runtime for tests: its clock stands still until it is advanced. */
export interface ManualRuntime extends Runtime {
  /** Moves the clock and calls every timer that is due on the way, in order of their time. */
  advance(durationMs: number): void;
  /** Timers that are set and have neither fired nor been cancelled. */
  pendingTimers(): number;
}

interface Pending {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** Starts at the Unix time 1 700 000 000 000. Its ids and random numbers are the same in every run. */
export function createManualRuntime(): ManualRuntime {
  const startMs = 1_700_000_000_000;
  const pending = new Set<Pending>();
  let elapsedMs = 0;
  let ids = 0;
  let seed = 1;

  const nextDue = (untilMs: number): Pending | undefined => {
    let next: Pending | undefined;
    for (const timer of pending) {
      if (timer.dueMs <= untilMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  };

  return {
    now: () => startMs + elapsedMs,
    monotonic: () => elapsedMs,
    setTimer(callback, delayMs) {
      const timer = { dueMs: elapsedMs + Math.min(Math.max(delayMs, 0), maxTimerDelayMs), callback };
      pending.add(timer);
      return { cancel: () => void pending.delete(timer) };
    },
    defer: (callback) => void setImmediate(callback),
    random() {
      // A linear congruential generator: even enough for tests, and the same everywhere.
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed / 2 ** 31;
    },
    uuid() {
      ids += 1;
      return `00000000-0000-4000-8000-${String(ids).padStart(12, "0")}`;
    },
    advance(durationMs) {
      const untilMs = elapsedMs + durationMs;
      for (let timer = nextDue(untilMs); timer !== undefined; timer = nextDue(untilMs)) {
        pending.delete(timer);
        elapsedMs = timer.dueMs;
        timer.callback();
      }
      elapsedMs = untilMs;
    },
    pendingTimers: () => pending.size,
  };
}
