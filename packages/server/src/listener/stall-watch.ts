import type { Runtime, Timer } from "@loom-bridge/protocol";

/** Watches whether a peer takes what is written to it. */
export interface StallWatch {
  /** Something waits to be taken. */
  blocked(): void;
  /** All was taken. */
  drained(): void;
}

export interface StallWatchOptions {
  readonly runtime: Runtime;
  readonly timeoutMs: number;
  /** What the connection has taken so far. */
  readonly bytesTaken: () => number;
  readonly onStall: () => void;
}

/** A peer that reads at all takes this much in the time it has. Less may be answers to its pings. */
const leastBytes = 16_384;

/** Tells once when something has waited for the whole time and the connection took hardly anything. */
export function createStallWatch({ runtime, timeoutMs, bytesTaken, onStall }: StallWatchOptions): StallWatch {
  let timer: Timer | undefined;

  function watch(): void {
    const before = bytesTaken();
    timer = runtime.setTimer(() => {
      if (bytesTaken() - before < leastBytes) onStall();
      else watch();
    }, timeoutMs);
  }

  return {
    blocked() {
      if (timer === undefined) watch();
    },
    drained() {
      timer?.cancel();
      timer = undefined;
    },
  };
}
