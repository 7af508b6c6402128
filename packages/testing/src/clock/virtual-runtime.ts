import type { Runtime } from "@loom-bridge/protocol";
import type { Lane, Scheduler } from "./scheduler.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface VirtualRuntimeOptions {
  readonly scheduler: Scheduler;
  readonly lane: Lane;
  /** The Unix time at which the world began, in milliseconds. */
  readonly startMs: number;
  readonly random: SeededRandom;
}

/** Time, timers, randomness and ids of one process of a world. */
export function createVirtualRuntime({ scheduler, lane, startMs, random }: VirtualRuntimeOptions): Runtime {
  return {
    now: () => startMs + scheduler.elapsedMs,
    monotonic: () => scheduler.elapsedMs,
    setTimer: (callback, delayMs) => scheduler.setTimer(lane, callback, delayMs),
    defer: (callback) => scheduler.post(lane, callback),
    random: () => random.next(),
    uuid: () => random.uuid(),
  };
}
