import type { Expected } from "./expected.ts";
import type { Day } from "./run-desk.ts";

export interface Check {
  readonly name: string;
  readonly actual: number;
  readonly expected: number;
  readonly passed: boolean;
}

/** Compares what the desk and the bridge counted with what the file of prices says it must be. */
export function checkDay(day: Day, expected: Expected): Check[] {
  const { feed, analyst, planner, executor, watch, bus, stored } = day;
  const { stats } = executor;
  // The planner, the executor and the watch take every price; the executor and the watch take every plan.
  const priceCopies = 3 * expected.prices;
  const planCopies = 2 * expected.announcements;
  return [
    check("prices published by the feed", feed.prices, expected.prices),
    check("prices seen by one more subscriber", watch.prices, expected.prices),
    check("bridge: price events published", bus.prices.published, expected.prices),
    check("bridge: price events delivered", bus.prices.delivered, priceCopies),
    check("bridge: price events dropped", bus.prices.dropped, 0),
    check("tool calls answered to the planner", planner.toolCallsMs.length, expected.toolCalls),
    check("tool calls served by the analyst", analyst.served, expected.toolCalls),
    check("plans saved", planner.plans, expected.plans),
    check("plans announced under names of their own", watch.plans.size, expected.plans),
    check("duplicates stopped", planner.duplicates, expected.duplicates),
    check("bridge: duplicates prevented", stats.duplicatePrevented, expected.duplicates),
    check("bridge: plan events published", bus.plans.published, expected.announcements),
    check("bridge: plan events delivered", bus.plans.delivered, planCopies),
    check("bridge: plan events dropped", bus.plans.dropped, 0),
    check("plans told to the executor", executor.told, expected.announcements),
    check("plans executed", executor.executed, expected.executions),
    check("told again, not executed again", executor.alreadyExecuted, expected.duplicates),
    check("plans still open at the end", executor.open, expected.open),
    check("bridge: executions", stats.totalExecutions, expected.executions),
    check("bridge: successes", stats.successfulExecutions, expected.wins),
    check("bridge: failures", stats.failedExecutions, expected.losses),
    // The bridge sends it with the precision of a 32-bit float.
    check("bridge: win rate", stats.winRate, Math.fround(expected.wins / expected.executions)),
    check("volume in USD", executor.volumeUsd, expected.volumeUsd),
    check("profit in US cents", Math.round(executor.profitUsd * 100), Math.round(expected.profitUsd * 100)),
    check("restarted bridge: plans still there", stored.plans, expected.plans),
    check("restarted bridge: executions still there", stored.executions, expected.executions),
  ];
}

function check(name: string, actual: number, expected: number): Check {
  return { name, actual, expected, passed: actual === expected };
}

/** 0 when every check passed, and there was one. */
export function exitCodeOf(checks: readonly Check[]): number {
  return checks.length > 0 && checks.every(({ passed }) => passed) ? 0 : 1;
}
