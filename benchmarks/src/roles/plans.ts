/** How many plans there are before anything is measured, and over how many sessions. */
export interface StoredPlans {
  readonly plans: number;
  readonly sessions: number;
}

const symbols = 100;
/** Plans of one session and symbol are at least this far apart, so that none is another's duplicate within a second. */
const stepMs = 10_000;
const firstMs = 1_700_000_000_000;

export function sessionOf(number: number, { sessions }: StoredPlans): string {
  return `session-${number % sessions}`;
}

/** Plan number so-and-so, complete as the store wants it; `afterSteps` moves it half a step between two others. */
export function createPlan(number: number, afterSteps = 0) {
  return {
    timestampMs: firstMs + number * stepMs + (afterSteps * stepMs) / 2,
    symbol: `SYM${Math.floor(number / 7) % symbols}`,
    action: number % 2 === 0 ? "BUY" : "SELL",
    confidence: 0.75,
    reasoning: "The moving average of 20 days has crossed that of 50 days from below, with more volume than usual.",
    planHash: `plan-${number}${afterSteps === 0 ? "" : "-asked"}`,
    method: "rule-based",
    metadata: { strategy: "crossover" },
  };
}
