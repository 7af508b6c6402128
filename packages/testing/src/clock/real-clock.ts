import { LoomError, type Runtime } from "@loom-bridge/protocol";
import type { Fail } from "../world-error.ts";
import type { Clock, SettleOptions, WaitOptions } from "./clock.ts";
import { type Duration, toMilliseconds } from "./duration.ts";
import { Tracked } from "./tracked.ts";

export interface RealClockOptions {
  readonly runtime: Runtime;
  readonly fail: Fail;
  /** Counts what crosses the links: while it changes, something happens. */
  readonly activity: () => number;
}

const defaultWithin: Duration = "10s";
const pollMs = 1;
/** How long nothing may happen before a world in real time counts as settled. */
const quietMs = 20;

/** The clock of a test bridge in real time, or on a runtime of the test's own: waiting waits. */
export function createRealClock({ runtime, fail, activity }: RealClockOptions): Clock {
  const startMs = runtime.monotonic();
  const tracked = new Tracked();
  const pause = (ms: number): Promise<void> => new Promise((resolve) => void runtime.setTimer(resolve, ms));

  const runUntil = async (isTrue: () => boolean, options: WaitOptions = {}): Promise<void> => {
    const { within = defaultWithin, what = "something to become true" } = options;
    const deadlineMs = runtime.monotonic() + toMilliseconds(within, "within");
    while (!isTrue()) {
      if (runtime.monotonic() >= deadlineMs) {
        throw fail("timeout", `waited ${within} of real time for ${what}, and it did not come`);
      }
      await pause(pollMs);
    }
  };
  return {
    kind: "real",
    now: () => runtime.now(),
    elapsedMs: () => runtime.monotonic() - startMs,
    advance: (duration) => pause(toMilliseconds(duration)),
    advanceTo: (moment) => pause(Math.max(0, new Date(moment).getTime() - runtime.now())),
    next: () => Promise.reject(needsVirtualTime("next")),
    drive() {
      throw needsVirtualTime("drive");
    },
    runUntil,
    async run<T>(promise: PromiseLike<T>, { within = defaultWithin, what = "a promise to settle" }: WaitOptions = {}) {
      let timer: { cancel(): void } | undefined;
      const late = new Promise<never>((_, reject) => {
        const giveUp = (): void => reject(fail("timeout", `waited ${within} of real time for ${what}, and it did not`));
        timer = runtime.setTimer(giveUp, toMilliseconds(within, "within"));
      });
      try {
        return await Promise.race([promise, late]);
      } finally {
        timer?.cancel();
      }
    },
    async settle({ realTimeoutMs = 30_000 }: SettleOptions = {}) {
      const deadlineMs = runtime.monotonic() + realTimeoutMs;
      let seen = activity();
      let sinceMs = runtime.monotonic();
      while (tracked.size > 0 || runtime.monotonic() - sinceMs < quietMs) {
        await pause(pollMs);
        const now = activity();
        if (now !== seen) sinceMs = runtime.monotonic();
        seen = now;
        if (runtime.monotonic() < deadlineMs) continue;
        const running = [...tracked.labels.map((label) => `tracked: ${label}`), "messages on the links"].join(", ");
        throw fail("timeout", `not settled after ${realTimeoutMs} ms; still running: ${running}`);
      }
    },
    track: (promise, label) => tracked.add(promise, label),
  };
}

function needsVirtualTime(name: string): LoomError {
  return new LoomError("failed_precondition", `clock.${name}() needs virtual time; make the bridge with testBridge()`);
}
