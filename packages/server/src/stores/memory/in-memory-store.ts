import { LoomError } from "@loom-bridge/protocol";
import {
  checkFence,
  type ExecutionClaim,
  isLive,
  nextFencingToken,
  noFence,
  tooManyClaims,
} from "../../domain/memory/execution-claim.ts";
import { defaultMemoryCapacity, type MemoryCapacity } from "../../domain/memory/memory-capacity.ts";
import type { Duplicate, Execution, MemoryStore, Plan, PlanSubject } from "../../domain/memory/memory-store.ts";
import { recordBytes } from "../record-bytes.ts";
import { storeClosed } from "../store-closed.ts";
import { tooManySessions } from "../too-many-sessions.ts";
import { SessionClaims } from "./session-claims.ts";
import { SessionExecutions } from "./session-executions.ts";
import { SessionPlans } from "./session-plans.ts";

/** How many records are kept in memory, and how much of it they may take. */
export interface InMemoryStoreOptions {
  capacity?: Partial<MemoryCapacity>;
  /**
   * About how much memory all records together may take. A write beyond is refused with `resource_exhausted`.
   * Default: 512 MiB, which leaves room in the heap that Node takes by default.
   */
  maxBytes?: number;
}

interface Session {
  readonly plans: SessionPlans;
  readonly executions: SessionExecutions;
  readonly claims: SessionClaims;
}

export const defaultMemoryBytes = 536_870_912;
/** For the id, maps and arrays of a session. */
const sessionBytes = 1280;

/**
 * Keeps plans and executions in the memory of this process: for tests, and for bridges whose agents can start over.
 * Everything is gone when it is closed.
 */
export function createInMemoryStore(options: InMemoryStoreOptions = {}): MemoryStore {
  const capacity: MemoryCapacity = { ...defaultMemoryCapacity, ...options.capacity };
  const maxBytes = options.maxBytes ?? defaultMemoryBytes;
  const sessions = new Map<string, Session>();
  let bytes = 0;
  let closed = false;

  // Every method does its work before it first yields, so each is one step.

  function requireOpen(): void {
    if (closed) throw storeClosed();
  }

  /** Makes sure of room for the change before anything is changed, and begins the session if need be. */
  function sessionWithRoom<Kept extends Plan | Execution | ExecutionClaim>(
    sessionId: string,
    added: Kept,
    evicted: Kept | undefined,
  ): Session {
    const session = sessions.get(sessionId);
    if (session === undefined && sessions.size >= capacity.sessions) throw tooManySessions(capacity.sessions);
    const needed =
      (session === undefined ? sessionBytes : 0) +
      recordBytes(added) -
      (evicted === undefined ? 0 : recordBytes(evicted));
    if (bytes + needed > maxBytes) {
      throw new LoomError(
        "resource_exhausted",
        `memory would hold ${bytes + needed} bytes, and its limit "maxBytes" is ${maxBytes}; raise the limit or use the SQLite store`,
        { details: { limit: "maxBytes", value: String(maxBytes) } },
      );
    }
    bytes += needed;
    if (session !== undefined) return session;
    const begun = { plans: new SessionPlans(), executions: new SessionExecutions(), claims: new SessionClaims() };
    sessions.set(sessionId, begun);
    return begun;
  }

  function endClaim(sessionId: string, claim: ExecutionClaim | undefined): void {
    if (claim === undefined) return;
    sessions.get(sessionId)?.claims.delete(claim.planHash);
    bytes -= recordBytes(claim);
  }

  function preventedDuplicate(sessionId: string, subject: PlanSubject, windowMs: number): Duplicate | undefined {
    const plans = sessions.get(sessionId)?.plans;
    const duplicate = plans?.nearest(subject, windowMs);
    if (duplicate !== undefined) plans?.countPrevented(subject.symbol);
    return duplicate;
  }

  return {
    kind: "memory",

    async savePlan(sessionId, plan, { onlyIfNewWithinMs } = {}) {
      requireOpen();
      if (onlyIfNewWithinMs !== undefined) {
        const duplicate = preventedDuplicate(sessionId, plan, onlyIfNewWithinMs);
        if (duplicate !== undefined) return { status: "duplicate", ...duplicate };
      }
      const stored = sessions.get(sessionId)?.plans;
      const oldest = stored !== undefined && stored.size >= capacity.plansPerSession ? stored.oldest : undefined;
      const { plans } = sessionWithRoom(sessionId, plan, oldest);
      plans.add(plan);
      if (oldest !== undefined) plans.evictOldest();
      return { status: "saved", evicted: oldest === undefined ? 0 : 1 };
    },

    async findDuplicate(sessionId, subject, windowMs) {
      requireOpen();
      return preventedDuplicate(sessionId, subject, windowMs);
    },

    async recentPlans(sessionId, { symbol, limit }) {
      requireOpen();
      return sessions.get(sessionId)?.plans.recent(symbol, limit) ?? [];
    },

    async markExecuted(sessionId, execution, fence = noFence) {
      requireOpen();
      const stored = sessions.get(sessionId)?.executions;
      const first = stored?.find(execution.planHash);
      if (first !== undefined) return { alreadyExecuted: true, execution: first, evicted: 0 };
      const claim = sessions.get(sessionId)?.claims.get(execution.planHash);
      checkFence(claim, execution.planHash, fence);
      const { executed } = execution;
      const most = executed ? capacity.executionsPerSession : capacity.attemptsPerSession;
      const oldest = stored !== undefined && stored.size(executed) >= most ? stored.oldest(executed) : undefined;
      const { executions } = sessionWithRoom(sessionId, execution, oldest);
      executions.add(execution);
      if (oldest !== undefined) executions.evictOldest(executed);
      if (executed) endClaim(sessionId, claim);
      return { alreadyExecuted: false, execution, evicted: oldest === undefined ? 0 : 1 };
    },

    async claimExecution(sessionId, { planHash, holder, leaseMs, nowMs }) {
      requireOpen();
      const session = sessions.get(sessionId);
      const execution = session?.executions.find(planHash);
      if (execution !== undefined) return { status: "executed", execution };
      const before = session?.claims.get(planHash);
      const live = before !== undefined && isLive(before, nowMs);
      if (live && before.holder !== holder) return { status: "held", claim: before };
      const isFull = (session?.claims.size ?? 0) >= capacity.claimsPerSession;
      const evicted = before ?? (isFull ? session?.claims.endedFirst(nowMs) : undefined);
      if (isFull && evicted === undefined) throw tooManyClaims(capacity.claimsPerSession);
      const fencingToken = live ? before.fencingToken : nextFencingToken(session?.claims.lastToken ?? 0, nowMs);
      const claim = { planHash, holder, fencingToken, expiresMs: nowMs + leaseMs };
      const { claims } = sessionWithRoom(sessionId, claim, evicted);
      if (evicted !== undefined) claims.delete(evicted.planHash);
      claims.set(claim);
      return { status: "claimed", claim };
    },

    async releaseExecution(sessionId, planHash, fencingToken) {
      requireOpen();
      const claim = sessions.get(sessionId)?.claims.get(planHash);
      if (claim?.fencingToken !== fencingToken) return false;
      endClaim(sessionId, claim);
      return true;
    },

    async findExecution(sessionId, planHash) {
      requireOpen();
      return sessions.get(sessionId)?.executions.find(planHash);
    },

    async executionStats(sessionId, { symbol, recentLimit }) {
      requireOpen();
      const session = sessions.get(sessionId);
      const counts = session?.executions.counts(symbol, recentLimit);
      return {
        ...(counts ?? { total: 0, successful: 0, failed: 0, recent: [] }),
        duplicatesPrevented: session?.plans.prevented(symbol) ?? 0,
      };
    },

    async close() {
      closed = true;
      sessions.clear();
      bytes = 0;
    },
  };
}
