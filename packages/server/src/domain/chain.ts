import { LoomError } from "@loom-bridge/protocol";

/** The events and calls that led to one more, and how much further they may lead. */
export interface Chain {
  /** Events and calls so far. */
  readonly hops: number;
  /** What is left of the chain's time, in milliseconds. 0: no limit. Below 0: it is over. */
  readonly remainingMs: number;
  /** How many more events and calls may follow. 0: no limit but that of hops. */
  readonly budget: number;
  /** Nothing may follow: the budget is used up. */
  readonly spent: boolean;
  /** Who did what, oldest first. */
  readonly path: readonly string[];
}

/** The longest chain. More than any sensible plan needs, and little enough that a loop ends within a second. */
export const maxHops = 32;
/** Characters of one step in a path: an agent's id and a topic. */
const maxStepLength = 400;

/**
 * Counts one more event or call: returns the chain that it carries on. Without a chain there is nothing to count:
 * whoever begins one sends it empty.
 * @param step who does what, for example `planner > market.plan.BTC`
 * @throws LoomError `failed_precondition` that names the path, when the chain may not go on.
 */
export function extendChain(chain: Chain | undefined, step: string): Chain | undefined {
  if (chain === undefined) return undefined;
  const path = [...chain.path.slice(-maxHops + 1), step].map((each) => each.slice(0, maxStepLength));
  if (chain.hops >= maxHops) {
    throw refusal(path, `would be number ${chain.hops + 1}; a chain has at most ${maxHops}`, "hops", maxHops);
  }
  if (chain.remainingMs < 0) throw refusal(path, "comes after the chain's time was over", "remaining_ms", 0);
  if (chain.spent) throw refusal(path, "comes after the chain's budget was used up", "budget", 0);
  return {
    hops: chain.hops + 1,
    remainingMs: chain.remainingMs,
    budget: Math.max(0, chain.budget - 1),
    spent: chain.budget === 1,
    path,
  };
}

function refusal(path: readonly string[], problem: string, limit: string, value: number): LoomError {
  return new LoomError("failed_precondition", `the chain ${path.join(" → ")} ends here: its last step ${problem}`, {
    details: { limit, value: String(value) },
  });
}
