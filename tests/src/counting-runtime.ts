import { type Runtime, systemRuntime } from "@loom-bridge/protocol";

/** The real clock, which knows how many of its timers are set. Node lists only those that keep the process alive. */
export interface CountingRuntime extends Runtime {
  readonly pendingTimers: number;
}

export function createCountingRuntime(): CountingRuntime {
  const pending = new Set<object>();
  return {
    ...systemRuntime,
    get pendingTimers() {
      return pending.size;
    },
    setTimer(callback, delayMs) {
      const key = {};
      pending.add(key);
      const timer = systemRuntime.setTimer(() => {
        pending.delete(key);
        callback();
      }, delayMs);
      return {
        cancel() {
          pending.delete(key);
          timer.cancel();
        },
      };
    },
  };
}
