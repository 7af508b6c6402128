const periodMs = 10;

/** How long the event loop was held up since the last reset. */
export interface LoopDelays {
  readonly p99DelayMs: number;
  readonly longestDelayMs: number;
}

/**
 * Watches how late this process is because of what it computes. A delay counts only as far as the process used the
 * processor during it: on a busy machine a process waits for its turn too, and that says nothing of its code.
 */
export function createLoopMonitor(): { read(reset: boolean): LoopDelays } {
  let delays: number[] = [];
  let at = performance.now();
  let cpu = process.cpuUsage();
  setInterval(() => {
    const now = performance.now();
    const { user, system } = process.cpuUsage(cpu);
    delays.push(Math.max(0, Math.min(now - at - periodMs, (user + system) / 1000)));
    at = now;
    cpu = process.cpuUsage();
  }, periodMs).unref();
  return {
    read(reset) {
      const sorted = delays.toSorted((a, b) => a - b);
      if (reset) delays = [];
      return { p99DelayMs: sorted[Math.floor((sorted.length - 1) * 0.99)] ?? 0, longestDelayMs: sorted.at(-1) ?? 0 };
    },
  };
}
