import type { Runtime } from "@loom-bridge/protocol";
import { checkNumber } from "./check-number.ts";
import { checkSessionId } from "./check-session-id.ts";
import { checkText } from "./check-text.ts";
import { completeExecution } from "./complete-execution.ts";
import { completePlan } from "./complete-plan.ts";
import type { ClaimOutcome } from "./execution-claim.ts";
import { invalidField } from "./invalid-field.ts";
import { defaultMemoryLimits, type MemoryLimits } from "./memory-limits.ts";
import type {
  Duplicate,
  Execution,
  ExecutionCounts,
  MarkExecutedOutcome,
  MemoryStore,
  Plan,
  SavePlanOutcome,
} from "./memory-store.ts";

export interface MemoryOptions {
  /** Where plans and executions are kept. Memory owns it: its `close` closes the store. */
  store: MemoryStore;
  runtime: Runtime;
  limits?: Partial<MemoryLimits>;
}

export interface SavePlanOptions {
  /** Store the plan only if the session has no duplicate of it. Default: false. */
  readonly onlyIfNew?: boolean;
  /** The window for `onlyIfNew`, in seconds. Default: 300, also for 0. */
  readonly windowSec?: number;
}

/** How the executions of a session went. */
export interface ExecutionStats extends ExecutionCounts {
  /** successful / (successful + failed); 0 when there are none. */
  readonly winRate: number;
}

/**
 * Plans and executions by session id. Checks every request before the store sees it; a request that breaks a rule is
 * refused with `invalid_argument` naming the field, and changes nothing. Errors of the store pass through.
 */
export interface Memory {
  /** What the store is: "memory", "sqlite". */
  readonly kind: string;
  /** Stores a plan. Answers with the plan's name in the session, given or computed. */
  savePlan(
    sessionId: string,
    plan: Partial<Plan> | undefined,
    options?: SavePlanOptions,
  ): Promise<SavePlanOutcome & { readonly planHash: string }>;
  /** Finds the duplicate that is nearest in time. `windowSec` 0 is 300. Counts a prevented duplicate on success. */
  findDuplicate(sessionId: string, plan: Partial<Plan> | undefined, windowSec?: number): Promise<Duplicate | undefined>;
  /** The plans saved last, newest first. `symbol` empty: all. `limit` 0: 10; more than 100 is taken as that. */
  recentPlans(sessionId: string, options?: { readonly symbol?: string; readonly limit?: number }): Promise<Plan[]>;
  /**
   * Records an execution, or an attempt. Absent: executed now, with status "executed". A plan that was executed before
   * answers so, whatever the token.
   * @param fencingToken that of the plan's latest claim; 0 when the executor has none, and nobody may have one then.
   * @throws LoomError `failed_precondition` when the token is an older one, or 0 while somebody has the plan.
   */
  markExecuted(
    sessionId: string,
    planHash: string,
    execution?: Partial<Execution>,
    fencingToken?: number,
  ): Promise<MarkExecutedOutcome>;
  /**
   * Takes a plan to execute it. The lease is measured by the wall clock, because it outlives the process: a clock that
   * is set forward ends leases early, one that is set back makes them longer by as much.
   * @param leaseMs 0: 30 000; at least 100, at most 3 600 000.
   */
  claimExecution(sessionId: string, planHash: string, holder: string, leaseMs?: number): Promise<ClaimOutcome>;
  /** Gives a claim back. False: it had ended, by its execution or by another claim. */
  releaseExecution(sessionId: string, planHash: string, fencingToken: number): Promise<boolean>;
  /** The execution of a plan; attempts are none. */
  findExecution(sessionId: string, planHash: string): Promise<Execution | undefined>;
  /** Statistics with the last 10 executions, newest first. `symbol` empty: all. */
  executionStats(sessionId: string, symbol?: string): Promise<ExecutionStats>;
  /** Closes the store. */
  close(): Promise<void>;
}

const windowDefaultSec = 300;
const recentPlansDefault = 10;
const recentPlansMax = 100;
const recentExecutions = 10;
const tokenRule = { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true };
const leaseDefaultMs = 30_000;
const leaseRule = { min: 100, max: 3_600_000, whole: true, maxMeaning: "0 means 30000" };

export function createMemory({ store, runtime, limits: given }: MemoryOptions): Memory {
  const limits: Readonly<MemoryLimits> = { ...defaultMemoryLimits, ...given };
  const nowMs = (): number => Math.floor(runtime.now());

  function windowMs(windowSec: number): number {
    const rule = { min: 0, max: limits.windowSec, whole: true, maxMeaning: "the limit windowSec; 0 means 300" };
    return (checkNumber("time_window_sec", windowSec, rule) || windowDefaultSec) * 1000;
  }

  function symbolFilter(symbol: string): { symbol?: string } {
    return symbol === "" ? {} : { symbol: checkText("symbol", symbol, "nameBytes", limits) };
  }

  function checkPlanHash(planHash: string): string {
    if (planHash === "") throw invalidField("plan_hash", "is required; SavePlan answers with it");
    return checkText("plan_hash", planHash, "nameBytes", limits);
  }

  return {
    kind: store.kind,

    async savePlan(sessionId, draft, { onlyIfNew = false, windowSec = 0 } = {}) {
      checkSessionId(sessionId);
      const plan = completePlan(draft, nowMs(), limits);
      const window = windowMs(windowSec);
      const outcome = await store.savePlan(sessionId, plan, onlyIfNew ? { onlyIfNewWithinMs: window } : {});
      return { ...outcome, planHash: plan.planHash };
    },

    async findDuplicate(sessionId, draft, windowSec = 0) {
      checkSessionId(sessionId);
      return store.findDuplicate(sessionId, completePlan(draft, nowMs(), limits), windowMs(windowSec));
    },

    async recentPlans(sessionId, { symbol = "", limit = 0 } = {}) {
      checkSessionId(sessionId);
      const rule = { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true };
      const wanted = checkNumber("limit", limit, rule) || recentPlansDefault;
      return store.recentPlans(sessionId, { ...symbolFilter(symbol), limit: Math.min(wanted, recentPlansMax) });
    },

    async markExecuted(sessionId, planHash, draft, fencingToken = 0) {
      checkSessionId(sessionId);
      const now = nowMs();
      const fence = { fencingToken: checkNumber("fencing_token", fencingToken, tokenRule), nowMs: now };
      return store.markExecuted(sessionId, completeExecution(planHash, draft, now, limits), fence);
    },

    async claimExecution(sessionId, planHash, holder, leaseMs = 0) {
      checkSessionId(sessionId);
      if (holder === "") throw invalidField("holder", "is required; every executor has its own");
      return store.claimExecution(sessionId, {
        planHash: checkPlanHash(planHash),
        holder: checkText("holder", holder, "nameBytes", limits),
        leaseMs: leaseMs === 0 ? leaseDefaultMs : checkNumber("lease_ms", leaseMs, leaseRule),
        nowMs: nowMs(),
      });
    },

    async releaseExecution(sessionId, planHash, fencingToken) {
      checkSessionId(sessionId);
      const token = checkNumber("fencing_token", fencingToken, { ...tokenRule, min: 1 });
      return store.releaseExecution(sessionId, checkPlanHash(planHash), token);
    },

    async findExecution(sessionId, planHash) {
      checkSessionId(sessionId);
      return store.findExecution(sessionId, checkPlanHash(planHash));
    },

    async executionStats(sessionId, symbol = "") {
      checkSessionId(sessionId);
      const counts = await store.executionStats(sessionId, { ...symbolFilter(symbol), recentLimit: recentExecutions });
      const decided = counts.successful + counts.failed;
      return { ...counts, winRate: decided === 0 ? 0 : counts.successful / decided };
    },

    close: () => store.close(),
  };
}
