import type { Check } from "./checks.ts";
import type { Day } from "./run-desk.ts";

/** The table of the day. */
export function reportDay({ feed, planner, executor, watch, durationMs }: Day): string {
  const latencies = planner.toolCallsMs.toSorted((a, b) => a - b);
  const { stats } = executor;
  const events = `${number(feed.prices)} prices, ${number(watch.announcements)} plans`;
  const rows: [string, string, string][] = [
    ["events", number(feed.prices + watch.announcements), events],
    ["tool calls", number(latencies.length), `p50 ${quantile(latencies, 0.5)} ms, p99 ${quantile(latencies, 0.99)} ms`],
    ["plans", number(planner.plans), "acknowledged by the bridge, so on disk"],
    ["duplicates prevented", number(stats.duplicatePrevented), "bars that the feed sent again"],
    ["executions", number(executor.executed), `told ${number(executor.told)} times, ${executor.open} plans still open`],
    [
      "win rate",
      `${(stats.winRate * 100).toFixed(1)} %`,
      `${stats.successfulExecutions} won, ${stats.failedExecutions} lost`,
    ],
    ["paper profit", `$${number(Math.round(executor.profitUsd))}`, `on $${number(executor.volumeUsd)} traded`],
    ["duration", `${(durationMs / 1000).toFixed(1)} s`, "with starting and stopping six processes"],
  ];
  return rows.map(([name, value, more]) => `  ${name.padEnd(22)}${value.padStart(9)}   ${more}`).join("\n");
}

/** A line for each check; a failed one says what was expected. */
export function reportChecks(checks: readonly Check[]): string {
  return checks
    .map(({ name, actual, expected, passed }) =>
      passed ? `  ✔ ${name}: ${number(actual)}` : `  ✘ ${name}: ${number(actual)}, but must be ${number(expected)}`,
    )
    .join("\n");
}

function quantile(sorted: readonly number[], fraction: number): string {
  return (sorted[Math.ceil(sorted.length * fraction) - 1] ?? 0).toFixed(1);
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}
