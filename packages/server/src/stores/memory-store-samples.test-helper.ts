import type { Execution, Plan } from "../domain/memory/memory-store.ts";

/** A plan for tests: BTC BUY at 0, unless told otherwise. */
export function samplePlan(parts: Partial<Plan> = {}): Plan {
  return {
    timestampMs: 0,
    symbol: "BTC",
    action: "BUY",
    confidence: 0.5,
    reasoning: "",
    planHash: "plan",
    method: "",
    metadata: {},
    ...parts,
  };
}

/** An execution for tests: a success of "plan", unless told otherwise. */
export function sampleExecution(parts: Partial<Execution> = {}): Execution {
  return {
    timestampMs: 0,
    planHash: "plan",
    symbol: "BTC",
    action: "BUY",
    confidence: 0.5,
    status: "success",
    executed: true,
    orderId: "",
    orderSizeUsdt: 0,
    errorMessage: "",
    ...parts,
  };
}
