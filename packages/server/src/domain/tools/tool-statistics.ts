import type { ToolOutcome } from "./tool.ts";

/** What became of the calls of a tool, since the bridge started. */
export interface ToolStatistics {
  /** Calls of the tool, also those whose arguments were refused. A repeated call counts once. */
  readonly calls: number;
  /** Calls that ended without output, timeouts among them. */
  readonly errors: number;
  readonly timeouts: number;
  /** Outputs that came after their call had ended and were dropped. */
  readonly lateResults: number;
  /** Calls that are open now. */
  readonly inFlight: number;
}

/** The counts of one tool, as they grow. */
export type ToolCounts = { -readonly [Name in keyof ToolStatistics]: ToolStatistics[Name] };

export interface ToolStatisticsStore {
  of(tool: string): ToolCounts;
  snapshot(): Map<string, ToolStatistics>;
}

/** Counts for at most `maxTools` tools; then the tool that was new first and has no open call makes room. */
export function createToolStatistics(maxTools: number): ToolStatisticsStore {
  const tools = new Map<string, ToolCounts>();
  return {
    of(tool) {
      let counts = tools.get(tool);
      if (counts === undefined) {
        if (tools.size >= maxTools) forgetOne(tools);
        counts = { calls: 0, errors: 0, timeouts: 0, lateResults: 0, inFlight: 0 };
        tools.set(tool, counts);
      }
      return counts;
    },
    snapshot: () => new Map([...tools].map(([tool, counts]) => [tool, { ...counts }])),
  };
}

export function countOutcome(counts: ToolCounts, outcome: ToolOutcome): void {
  if (outcome.status === "ok") return;
  counts.errors += 1;
  if (outcome.status === "timeout") counts.timeouts += 1;
}

function forgetOne(tools: Map<string, ToolCounts>): void {
  for (const [tool, { inFlight }] of tools) {
    if (inFlight > 0) continue;
    tools.delete(tool);
    return;
  }
}

/** What became of the calls of all these tools. */
export function sumStatistics(all: Iterable<ToolStatistics>): ToolStatistics {
  const sum: ToolCounts = { calls: 0, errors: 0, timeouts: 0, lateResults: 0, inFlight: 0 };
  for (const one of all) for (const name of Object.keys(sum) as (keyof ToolStatistics)[]) sum[name] += one[name];
  return sum;
}
