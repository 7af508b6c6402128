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
      const { limit, field } = error.details;
      if (limit === undefined) return;
      // Some errors tell the number there, and what it limits as the field.
      const name = /^[A-Za-z_]/.test(limit) ? limit : field;
      if (name !== undefined) count(name);
    },
    counts: () => counts,
  };
}
