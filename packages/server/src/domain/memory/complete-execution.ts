import { checkNumber } from "./check-number.ts";
import { checkText } from "./check-text.ts";
import { invalidField } from "./invalid-field.ts";
import type { MemoryLimits } from "./memory-limits.ts";
import type { Execution } from "./memory-store.ts";

/** The largest finite number of a protobuf `float`. */
const maxFloat = 2 ** 128 - 2 ** 104;

/**
 * Checks what a caller said of an execution and fills in the rest. Without a draft the plan was executed now, with
 * status "executed".
 * @throws LoomError `invalid_argument` that names the field.
 */
export function completeExecution(
  planHash: string,
  draft: Partial<Execution> | undefined,
  nowMs: number,
  limits: Readonly<MemoryLimits>,
): Execution {
  const { timestampMs = 0, symbol = "", action = "", confidence = 0, orderId = "", orderSizeUsdt = 0 } = draft ?? {};
  const { status = "", executed = false, errorMessage = "" } = draft ?? { status: "executed", executed: true };
  if (planHash === "") throw invalidField("plan_hash", "is required; SavePlan answers with it");
  if (draft?.planHash !== undefined && draft.planHash !== "" && draft.planHash !== planHash) {
    throw invalidField(
      "execution.plan_hash",
      `names another plan than plan_hash, which is ${JSON.stringify(planHash)}; leave it empty or make both the same`,
    );
  }
  return {
    timestampMs:
      checkNumber("execution.timestamp_ms", timestampMs, { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true }) ||
      nowMs,
    planHash: checkText("plan_hash", planHash, "nameBytes", limits),
    symbol: checkText("execution.symbol", symbol, "nameBytes", limits),
    action: checkText("execution.action", action, "nameBytes", limits),
    confidence: checkNumber("execution.confidence", confidence, { min: 0, max: 1 }),
    status: checkText("execution.status", status, "nameBytes", limits),
    executed,
    orderId: checkText("execution.order_id", orderId, "nameBytes", limits),
    orderSizeUsdt: checkNumber("execution.order_size_usdt", orderSizeUsdt, { min: -maxFloat, max: maxFloat }),
    errorMessage: checkText("execution.error_message", errorMessage, "errorMessageBytes", limits),
  };
}
