import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { MemoryService } from "@loom-bridge/protocol/messages";
import type { Access } from "../domain/access/access.ts";
import type { Memory } from "../domain/memory/memory.ts";
import { accessOf } from "./access-of.ts";
import { fromExecution, fromPlan, toExecution, toPlan } from "./memory-mapping.ts";

/** The largest number of an int32 field. */
const maxInt32 = 2 ** 31 - 1;

/**
 * Serves memory. A plan that is kept out as a duplicate is an answer with success false; everything else that goes
 * wrong is an error of the call.
 */
export function createMemoryService(memory: Memory): ServiceImpl<typeof MemoryService> {
  return {
    async savePlan({ sessionId, plan, onlyIfNew, timeWindowSec }, context) {
      const access = checkAccess(context, "memory.write", sessionId);
      const options = { onlyIfNew, windowSec: timeWindowSec };
      const outcome = await memory.savePlan(sessionId, plan && toPlan(plan), options);
      const { planHash } = outcome;
      if (outcome.status === "saved") return { success: true, planHash, evicted: outcome.evicted };
      const { symbol, action } = outcome.plan;
      return {
        success: false,
        planHash,
        errorMessage: `duplicate: ${symbol} ${action} was planned ${outcome.distanceMs} ms from this plan`,
        ...(mayRead(access, sessionId) ? { duplicatePlan: fromPlan(outcome.plan) } : {}),
        timeSinceDuplicateMs: BigInt(outcome.distanceMs),
      };
    },

    async checkDuplicate({ sessionId, plan, timeWindowSec }, context) {
      checkAccess(context, "memory.read", sessionId);
      const duplicate = await memory.findDuplicate(sessionId, plan && toPlan(plan), timeWindowSec);
      if (duplicate === undefined) return { isDuplicate: false };
      return {
        isDuplicate: true,
        duplicatePlan: fromPlan(duplicate.plan),
        timeSinceDuplicateMs: BigInt(duplicate.distanceMs),
      };
    },

    async getRecentPlans({ sessionId, symbol, limit }, context) {
      checkAccess(context, "memory.read", sessionId);
      const plans = await memory.recentPlans(sessionId, { symbol, limit });
      return { success: true, plans: plans.map(fromPlan) };
    },

    async markExecuted({ sessionId, planHash, execution, fencingToken }, context) {
      const access = checkAccess(context, "memory.write", sessionId);
      const record = execution && toExecution(execution);
      const outcome = await memory.markExecuted(sessionId, planHash, record, Number(fencingToken));
      return {
        success: true,
        alreadyExecuted: outcome.alreadyExecuted,
        evicted: outcome.evicted,
        ...(mayRead(access, sessionId) ? { execution: fromExecution(outcome.execution) } : {}),
      };
    },

    async claimExecution({ sessionId, planHash, holder, leaseMs }, context) {
      const access = checkAccess(context, "memory.write", sessionId);
      const outcome = await memory.claimExecution(sessionId, planHash, holder, leaseMs);
      if (outcome.status === "executed") {
        return {
          claimed: false,
          ...(mayRead(access, sessionId) ? { execution: fromExecution(outcome.execution) } : {}),
        };
      }
      const { fencingToken, expiresMs, holder: heldBy } = outcome.claim;
      const expires = { expiresMs: BigInt(expiresMs) };
      return outcome.status === "claimed"
        ? { claimed: true, fencingToken: BigInt(fencingToken), ...expires }
        : { claimed: false, heldBy, ...expires };
    },

    async releaseExecution({ sessionId, planHash, fencingToken }, context) {
      checkAccess(context, "memory.write", sessionId);
      return { released: await memory.releaseExecution(sessionId, planHash, Number(fencingToken)) };
    },

    async checkExecuted({ sessionId, planHash }, context) {
      checkAccess(context, "memory.read", sessionId);
      const execution = await memory.findExecution(sessionId, planHash);
      return execution === undefined
        ? { isExecuted: false }
        : { isExecuted: true, execution: fromExecution(execution) };
    },

    async getExecutionStats({ sessionId, symbol }, context) {
      checkAccess(context, "memory.read", sessionId);
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

function checkAccess(context: HandlerContext, act: "memory.read" | "memory.write", sessionId: string): Access {
  const access = accessOf(context);
  access.check(act, sessionId);
  return access;
}

/** What others wrote is not for whoever may only write. */
function mayRead(access: Access, sessionId: string): boolean {
  return access.may("memory.read", sessionId);
}
