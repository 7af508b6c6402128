import type { ServiceImpl } from "@connectrpc/connect";
import type { MemoryService } from "@loom-bridge/protocol/messages";
import type { Memory } from "../domain/memory/memory.ts";
import { fromExecution, fromPlan, toExecution, toPlan } from "./memory-mapping.ts";

/** The largest number of an int32 field. */
const maxInt32 = 2 ** 31 - 1;

/**
 * Serves memory. A plan that is kept out as a duplicate is an answer with success false; everything else that goes
 * wrong is an error of the call.
 */
export function createMemoryService(memory: Memory): ServiceImpl<typeof MemoryService> {
  return {
    async savePlan({ sessionId, plan, onlyIfNew, timeWindowSec }) {
      const options = { onlyIfNew, windowSec: timeWindowSec };
      const outcome = await memory.savePlan(sessionId, plan && toPlan(plan), options);
      const { planHash } = outcome;
      if (outcome.status === "saved") return { success: true, planHash, evicted: outcome.evicted };
      const { symbol, action } = outcome.plan;
      return {
        success: false,
        planHash,
        errorMessage: `duplicate: ${symbol} ${action} was planned ${outcome.distanceMs} ms from this plan`,
        duplicatePlan: fromPlan(outcome.plan),
        timeSinceDuplicateMs: BigInt(outcome.distanceMs),
      };
    },

    async checkDuplicate({ sessionId, plan, timeWindowSec }) {
      const duplicate = await memory.findDuplicate(sessionId, plan && toPlan(plan), timeWindowSec);
      if (duplicate === undefined) return { isDuplicate: false };
      return {
        isDuplicate: true,
        duplicatePlan: fromPlan(duplicate.plan),
        timeSinceDuplicateMs: BigInt(duplicate.distanceMs),
      };
    },

    async getRecentPlans({ sessionId, symbol, limit }) {
      const plans = await memory.recentPlans(sessionId, { symbol, limit });
      return { success: true, plans: plans.map(fromPlan) };
    },

    async markExecuted({ sessionId, planHash, execution, fencingToken }) {
      const record = execution && toExecution(execution);
      const outcome = await memory.markExecuted(sessionId, planHash, record, Number(fencingToken));
      return {
        success: true,
        alreadyExecuted: outcome.alreadyExecuted,
        evicted: outcome.evicted,
        execution: fromExecution(outcome.execution),
      };
    },

    async claimExecution({ sessionId, planHash, holder, leaseMs }) {
      const outcome = await memory.claimExecution(sessionId, planHash, holder, leaseMs);
      if (outcome.status === "executed") return { claimed: false, execution: fromExecution(outcome.execution) };
      const { fencingToken, expiresMs, holder: heldBy } = outcome.claim;
      const expires = { expiresMs: BigInt(expiresMs) };
      return outcome.status === "claimed"
        ? { claimed: true, fencingToken: BigInt(fencingToken), ...expires }
        : { claimed: false, heldBy, ...expires };
    },

    async releaseExecution({ sessionId, planHash, fencingToken }) {
      return { released: await memory.releaseExecution(sessionId, planHash, Number(fencingToken)) };
    },

    async checkExecuted({ sessionId, planHash }) {
      const execution = await memory.findExecution(sessionId, planHash);
      return execution === undefined
        ? { isExecuted: false }
        : { isExecuted: true, execution: fromExecution(execution) };
    },

    async getExecutionStats({ sessionId, symbol }) {
      const stats = await memory.executionStats(sessionId, symbol);
      return {
        totalExecutions: stats.total,
        successfulExecutions: stats.successful,
        failedExecutions: stats.failed,
        winRate: stats.winRate,
        // The only count that no capacity bounds.
        duplicatePrevented: Math.min(stats.duplicatesPrevented, maxInt32),
        recentExecutions: stats.recent.map(fromExecution),
      };
    },
  };
}
