import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  CheckDuplicateResponse,
  CheckExecutedResponse,
  ExecutionRecordSchema,
  GetExecutionStatsResponse,
  MarkExecutedResponse,
  PlanRecord,
  PlanRecordSchema,
  SavePlanResponse,
} from "@loom-bridge/protocol/messages";
import type { MemoryCalls } from "./memory-calls.ts";

export type PlanInit = MessageInitShape<typeof PlanRecordSchema>;
export type ExecutionInit = MessageInitShape<typeof ExecutionRecordSchema>;

/** The memory of one session; for an agent, the session is named after it. */
export interface AgentMemory {
  /** Stores a plan; with `onlyIfNew`, unless there is a duplicate within `timeWindowSec` (default 300). */
  savePlan(plan: PlanInit, options?: { onlyIfNew?: boolean; timeWindowSec?: number }): Promise<SavePlanResponse>;
  /** Tells whether there is a plan for the same symbol and action within `timeWindowSec` (default 300). */
  checkDuplicate(plan: PlanInit, options?: { timeWindowSec?: number }): Promise<CheckDuplicateResponse>;
  /** The plans that were saved last, newest first; 10 unless `limit` says otherwise, at most 100. */
  recentPlans(options?: { symbol?: string; limit?: number }): Promise<PlanRecord[]>;
  /** Records an execution. Repeating it changes nothing. */
  markExecuted(planHash: string, execution?: ExecutionInit): Promise<MarkExecutedResponse>;
  checkExecuted(planHash: string): Promise<CheckExecutedResponse>;
  executionStats(options?: { symbol?: string }): Promise<GetExecutionStatsResponse>;
}

export function createAgentMemory(calls: MemoryCalls, sessionId: string): AgentMemory {
  return {
    savePlan: (plan, options = {}) => calls.savePlan({ sessionId, plan, ...options }),
    checkDuplicate: (plan, options = {}) => calls.checkDuplicate({ sessionId, plan, ...options }),
    recentPlans: async (options = {}) => (await calls.getRecentPlans({ sessionId, ...options })).plans,
    markExecuted: (planHash, execution) =>
      calls.markExecuted({ sessionId, planHash, ...(execution === undefined ? {} : { execution }) }),
    checkExecuted: (planHash) => calls.checkExecuted({ sessionId, planHash }),
    executionStats: (options = {}) => calls.getExecutionStats({ sessionId, ...options }),
  };
}
