import type { Message } from "@bufbuild/protobuf";
import type {
  CheckDuplicateResponse,
  CheckExecutedResponse,
  ClaimExecutionResponse,
  ExecutionRecord,
  GetExecutionStatsResponse,
  MarkExecutedResponse,
  PlanRecord,
  ReleaseExecutionResponse,
  SavePlanResponse,
} from "@loom-bridge/protocol/messages";
import type { MemoryCalls } from "./memory-calls.ts";

/** The fields of a record, each optional, its time as a number too. */
type RecordInit<Record extends Message> = Partial<Omit<Record, keyof Message | "timestampMs">> & {
  /** In milliseconds since the Unix epoch. Default: now. */
  timestampMs?: number | bigint;
};

/** A plan to save, of which every field may be left out that has a default. */
export type PlanInit = RecordInit<PlanRecord>;
/** What is recorded of an execution; every field may be left out. */
export type ExecutionInit = RecordInit<ExecutionRecord>;

/** The memory of one session. Agents that share plans share a session; an agent's own is named after it. */
export interface AgentMemory {
  /** Stores a plan; with `onlyIfNew`, unless there is a duplicate within `timeWindowSec` (default 300). */
  savePlan(plan: PlanInit, options?: { onlyIfNew?: boolean; timeWindowSec?: number }): Promise<SavePlanResponse>;
  /** Tells whether there is a plan for the same symbol and action within `timeWindowSec` (default 300). */
  checkDuplicate(plan: PlanInit, options?: { timeWindowSec?: number }): Promise<CheckDuplicateResponse>;
  /** The plans that were saved last, newest first; 10 unless `limit` says otherwise, at most 100. */
  recentPlans(options?: { symbol?: string; limit?: number }): Promise<PlanRecord[]>;
  /**
   * Takes a plan to execute it: until the lease ends, nobody else can. The holder may claim again to keep its lease.
   * `holder` is by default this memory object's own, so that two of them never act as one; `leaseMs` is 30 000.
   */
  claimExecution(planHash: string, options?: { holder?: string; leaseMs?: number }): Promise<ClaimExecutionResponse>;
  /** Gives a claim back before its lease ends. */
  releaseExecution(planHash: string, fencingToken: bigint): Promise<ReleaseExecutionResponse>;
  /**
   * Records an execution. Repeating it changes nothing. With the `fencingToken` of a claim it is refused, with
   * `failed_precondition`, when somebody else has claimed the plan since.
   */
  markExecuted(
    planHash: string,
    execution?: ExecutionInit,
    options?: { fencingToken?: bigint },
  ): Promise<MarkExecutedResponse>;
  checkExecuted(planHash: string): Promise<CheckExecutedResponse>;
  executionStats(options?: { symbol?: string }): Promise<GetExecutionStatsResponse>;
}

/** @param holder who claims plans through it: another for every executor. */
export function createAgentMemory(calls: MemoryCalls, sessionId: string, holder: string): AgentMemory {
  return {
    savePlan: (plan, options = {}) => calls.savePlan({ sessionId, plan: withTime(plan), ...options }),
    checkDuplicate: (plan, options = {}) => calls.checkDuplicate({ sessionId, plan: withTime(plan), ...options }),
    recentPlans: async (options = {}) => (await calls.getRecentPlans({ sessionId, ...options })).plans,
    claimExecution: (planHash, options = {}) => calls.claimExecution({ sessionId, planHash, holder, ...options }),
    releaseExecution: (planHash, fencingToken) => calls.releaseExecution({ sessionId, planHash, fencingToken }),
    markExecuted: (planHash, execution, options = {}) =>
      calls.markExecuted({
        sessionId,
        planHash,
        ...options,
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
