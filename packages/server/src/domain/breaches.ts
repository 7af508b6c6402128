import { LoomError } from "@loom-bridge/protocol";

/** How often each limit was met since the bridge started, by the name of the limit. */
export interface Breaches {
  count(limit: string): void;
  /** Counts an error that names a limit in its details, once; others are not its concern. */
  countError(error: unknown): void;
  counts(): ReadonlyMap<string, number>;
}

/** Names are constants of the code; this is a bound all the same, for an agent's words may come near. */
const maxNames = 200;

export function createBreaches(): Breaches {
  const counts = new Map<string, number>();
  /** An error may pass several places that count. */
  const counted = new WeakSet<LoomError>();
  const count = (limit: string): void => {
    const before = counts.get(limit);
    if (before !== undefined || counts.size < maxNames) counts.set(limit, (before ?? 0) + 1);
  };
  return {
    count,
    countError(error) {
      if (!LoomError.isInstance(error) || counted.has(error)) return;
      counted.add(error);
      const { limit } = error.details;
      // A number is one that a caller gave out of its range: a mistake, and no limit that was met.
      if (limit !== undefined && /^[A-Za-z]/.test(limit)) count(limit);
    },
    counts: () => counts,
  };
}
