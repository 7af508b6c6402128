import type { Message } from "@bufbuild/protobuf";
import type {
  CheckDuplicateResponse,
  CheckExecutedResponse,
  ExecutionRecord,
  GetExecutionStatsResponse,
  MarkExecutedResponse,
  PlanRecord,
  SavePlanResponse,
} from "@loom-bridge/protocol/messages";
import type { MemoryCalls } from "./memory-calls.ts";

/** The fields of a record, each optional, its time as a number too. */
type RecordInit<Record extends Message> = Partial<Omit<Record, keyof Message | "timestampMs">> & {
  /** In milliseconds since the Unix epoch. Default: now. */
  timestampMs?: number | bigint;
};

export type PlanInit = RecordInit<PlanRecord>;
export type ExecutionInit = RecordInit<ExecutionRecord>;

/** The memory of one session. Agents that share plans share a session; an agent's own is named after it. */
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
    savePlan: (plan, options = {}) => calls.savePlan({ sessionId, plan: withTime(plan), ...options }),
    checkDuplicate: (plan, options = {}) => calls.checkDuplicate({ sessionId, plan: withTime(plan), ...options }),
    recentPlans: async (options = {}) => (await calls.getRecentPlans({ sessionId, ...options })).plans,
    markExecuted: (planHash, execution) =>
      calls.markExecuted({
        sessionId,
        planHash,
        ...(execution === undefined ? {} : { execution: withTime(execution) }),
      }),
    checkExecuted: (planHash) => calls.checkExecuted({ sessionId, planHash }),
    executionStats: (options = {}) => calls.getExecutionStats({ sessionId, ...options }),
  };
}

/** The protocol's 64-bit numbers are bigints; a clock's are not. */
function withTime<Init extends { timestampMs?: number | bigint }>(
  init: Init,
): Omit<Init, "timestampMs"> & { timestampMs: bigint } {
  return { ...init, timestampMs: BigInt(init.timestampMs ?? 0) };
}
