import type { ClaimOutcome, ClaimRequest, Fence } from "./execution-claim.ts";

export type { ClaimOutcome, ClaimRequest, ExecutionClaim, Fence } from "./execution-claim.ts";

/** Something an agent intends to do, as memory keeps it: complete and checked. */
export interface Plan {
  /** When it was made, in milliseconds since the Unix epoch. A whole number. */
  readonly timestampMs: number;
  readonly symbol: string;
  readonly action: string;
  /** From 0 to 1. */
  readonly confidence: number;
  readonly reasoning: string;
  /** Names the plan within its session. Two stored plans may share a name. */
  readonly planHash: string;
  readonly method: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What came of a plan. */
export interface Execution {
  /** In milliseconds since the Unix epoch. A whole number. */
  readonly timestampMs: number;
  readonly planHash: string;
  readonly symbol: string;
  readonly action: string;
  /** From 0 to 1. */
  readonly confidence: number;
  /** "success" and "error" count in the statistics; any other word does not. */
  readonly status: string;
  /** Whether the plan was carried out. False makes the record an attempt. */
  readonly executed: boolean;
  readonly orderId: string;
  readonly orderSizeUsdt: number;
  readonly errorMessage: string;
}

/** What makes a plan a duplicate of another. */
export type PlanSubject = Pick<Plan, "symbol" | "action" | "timestampMs">;

/** The stored plan that is nearest in time to the one asked about. */
export interface Duplicate {
  readonly plan: Plan;
  /** How far the two are apart, whichever is later. */
  readonly distanceMs: number;
}

export type SavePlanOutcome =
  | {
      readonly status: "saved";
      /** How many of the session's oldest plans made room. */
      readonly evicted: number;
    }
  | ({ readonly status: "duplicate" } & Duplicate);

export interface MarkExecutedOutcome {
  /** True when the plan had been executed before, and nothing was changed. */
  readonly alreadyExecuted: boolean;
  /** The execution that counts: the first one, or else the record just stored. */
  readonly execution: Execution;
  /** How many of the session's oldest records of the same kind made room. */
  readonly evicted: number;
}

/** Counts of the records that are stored; what was evicted is no longer counted. */
export interface ExecutionCounts {
  readonly total: number;
  /** With status "success". */
  readonly successful: number;
  /** With status "error". */
  readonly failed: number;
  /**
   * How many duplicates were told of or kept out. Not lowered by eviction, except that a symbol's own count ends with
   * the symbol's last stored plan.
   */
  readonly duplicatesPrevented: number;
  /** Newest stored first. */
  readonly recent: readonly Execution[];
}

/**
 * The port behind which plans and executions are kept. One contract suite, `memoryStoreContract`, holds for every
 * driver.
 *
 * Promises of a driver:
 * - Every call is one atomic step, also against calls of other processes that share the store.
 * - When a promise is fulfilled, the change is as durable as the driver's `kind` says. When it is rejected, nothing
 *   was changed.
 * - A call sees everything that was acknowledged before it was made.
 * - Sessions are apart: no call reads or changes another session's records.
 * - Per session at most the plans, executions and attempts of its `MemoryCapacity`; the oldest stored makes room. Of
 *   claims, the one whose lease ended first makes room; while every lease lasts, nothing does.
 *
 * "Newest" and "oldest" speak of the order in which records were stored, never of their time stamps. Arguments are
 * complete, checked and never changed afterwards by either side.
 *
 * Every method rejects with a LoomError: `unavailable` when the store is closed, unreachable or cannot write,
 * `resource_exhausted` when a new session is one too many or too many calls wait.
 */
export interface MemoryStore {
  /** What the store is, for people: "memory", "sqlite". */
  readonly kind: string;

  /**
   * Stores a plan. With `onlyIfNewWithinMs`, only if `findDuplicate` with that window would find none; otherwise the
   * duplicate is answered and counted as prevented. Check and change are one step.
   */
  savePlan(sessionId: string, plan: Plan, options?: { readonly onlyIfNewWithinMs?: number }): Promise<SavePlanOutcome>;

  /**
   * Finds the plan of the same session, symbol and action whose time stamp differs by less than `windowMs`, earlier or
   * later. The nearest wins; of equally near ones the newest. Counts a prevented duplicate when it finds one.
   */
  findDuplicate(sessionId: string, subject: PlanSubject, windowMs: number): Promise<Duplicate | undefined>;

  /** The newest plans first, at most `limit`; with `symbol`, only those. An unknown session has none. */
  recentPlans(sessionId: string, options: { readonly symbol?: string; readonly limit: number }): Promise<Plan[]>;

  /**
   * Stores a record, unless the plan has been executed. Executions and attempts are bounded apart from each other, so
   * a plan that fails again and again never pushes out the memory that another was executed. An execution is
   * remembered until `executionsPerSession` newer ones of its session came; after that its plan counts as not
   * executed, and could be executed once more.
   *
   * What is about to be stored must pass `checkFence`. Without a fence there is no token, and every claim counts as
   * live. Storing an execution ends the plan's claim; storing an attempt does not.
   */
  markExecuted(sessionId: string, execution: Execution, fence?: Fence): Promise<MarkExecutedOutcome>;

  /**
   * Takes a plan for an executor until its lease ends, unless it has been executed or another holder's lease lasts. The
   * holder of a live claim begins its lease anew, and keeps its token. Every other claim has a token greater than all
   * that the session ever had, whatever was released or evicted meanwhile.
   */
  claimExecution(sessionId: string, request: ClaimRequest): Promise<ClaimOutcome>;

  /** Ends the claim with this token. False: there is none, or another one. */
  releaseExecution(sessionId: string, planHash: string, fencingToken: number): Promise<boolean>;

  /** The execution of a plan. Attempts are none. */
  findExecution(sessionId: string, planHash: string): Promise<Execution | undefined>;

  /** Counts records, and returns the newest `recentLimit`; with `symbol`, only that symbol's. */
  executionStats(
    sessionId: string,
    options: { readonly symbol?: string; readonly recentLimit: number },
  ): Promise<ExecutionCounts>;

  /** Finishes what was accepted, then lets go of everything. May be called twice. */
  close(): Promise<void>;
}
