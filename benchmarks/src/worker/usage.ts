/** What a process has used so far. */
export interface Usage {
  /** When it was taken, on the clock of the process that took it. */
  readonly atMs: number;
  /** User and system time of all its threads. */
  readonly cpuMs: number;
  readonly rssBytes: number;
  /** Absent for a process that is no Node. */
  readonly heapBytes: number | undefined;
}

export function ownUsage(): Usage {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return { atMs: performance.now(), cpuMs: (user + system) / 1000, rssBytes: rss, heapBytes: heapUsed };
}
