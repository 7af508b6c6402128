import type { Runtime } from "@loom-bridge/protocol";

/** One time on both clocks. Asking them costs as much as queueing an event, and what comes together comes at one time. */
export interface Moment {
  /** In milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** In milliseconds since an arbitrary start; never less than before. */
  readonly monotonicMs: number;
}

export function momentOf(runtime: Runtime): Moment {
  return { nowMs: runtime.now(), monotonicMs: runtime.monotonic() };
}
