import { atMost } from "../at-most.ts";
import { checkNumber } from "./check-number.ts";
import { checkText } from "./check-text.ts";
import { invalidField } from "./invalid-field.ts";
import type { MemoryLimits } from "./memory-limits.ts";
import type { Plan } from "./memory-store.ts";
import { planHash } from "./plan-hash.ts";

/**
 * Checks what a caller said of a plan and fills in the rest: time stamp 0 is now, an empty hash is computed. The
 * result shares nothing with the draft.
 * @throws LoomError `invalid_argument` that names the field.
 */
export function completePlan(draft: Partial<Plan> | undefined, nowMs: number, limits: Readonly<MemoryLimits>): Plan {
  if (draft === undefined) throw invalidField("plan", "is required");
  const { symbol = "", action = "", reasoning = "", confidence = 0, timestampMs = 0, method = "" } = draft;
  if (symbol === "") throw invalidField("plan.symbol", 'is required; it says what the plan is about, such as "BTC"');
  if (action === "") throw invalidField("plan.action", 'is required; it says what to do, such as "BUY"');
  const plan = {
    timestampMs:
      checkNumber("plan.timestamp_ms", timestampMs, { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true }) || nowMs,
    symbol: checkText("plan.symbol", symbol, "nameBytes", limits),
    action: checkText("plan.action", action, "nameBytes", limits),
    confidence: checkNumber("plan.confidence", confidence, { min: 0, max: 1 }),
    reasoning: checkText("plan.reasoning", reasoning, "reasoningBytes", limits),
    planHash: checkText("plan.plan_hash", draft.planHash ?? "", "nameBytes", limits),
    method: checkText("plan.method", method, "nameBytes", limits),
    metadata: completeMetadata(draft.metadata ?? {}, limits),
  };
  return { ...plan, planHash: plan.planHash || planHash(plan) };
}

function completeMetadata(metadata: Plan["metadata"], limits: Readonly<MemoryLimits>): Plan["metadata"] {
  const pairs = Object.entries(metadata);
  atMost(limits, { field: "plan.metadata", unit: "pairs", count: pairs.length, limit: "metadataPairs" });
  for (const [key, value] of pairs) {
    checkText("a key of plan.metadata", key, "metadataKeyBytes", limits);
    checkText(`plan.metadata[${JSON.stringify(key)}]`, value, "metadataValueBytes", limits);
  }
  return Object.fromEntries(pairs);
}
