import { resolve } from "node:path";
import type { Runtime } from "@loom-bridge/protocol";
import { checkFence, isLive, nextFencingToken, noFence, tooManyClaims } from "../../domain/memory/execution-claim.ts";
import { defaultMemoryCapacity, type MemoryCapacity } from "../../domain/memory/memory-capacity.ts";
import type { Duplicate, MemoryStore, PlanSubject } from "../../domain/memory/memory-store.ts";
import { recordBytes } from "../record-bytes.ts";
import { storeClosed } from "../store-closed.ts";
import { createClaimQueries } from "./claim-queries.ts";
import { createExecutionQueries } from "./execution-queries.ts";
import { createGroupCommit } from "./group-commit.ts";
import { openDatabase } from "./open-database.ts";
import { createPlanQueries } from "./plan-queries.ts";
import { createSessionQueries } from "./session-queries.ts";
import { sqliteFailure } from "./sqlite-failure.ts";

/** Where records are kept on disk, how many, and how long a call waits for the file. */
export interface SqliteStoreOptions {
  /** The database file. Its directory must exist; the file is made when it does not. */
  path: string;
  runtime: Runtime;
  capacity?: Partial<MemoryCapacity>;
  /**
   * How long a call may wait for another process's lock, in milliseconds. Default: 1000. The whole bridge stands still
   * meanwhile, so it is short.
   */
  busyTimeoutMs?: number;
  /** The most bytes the file may have. Default: what the disk holds. Writes beyond are refused with `unavailable`. */
  maxFileBytes?: number;
  /** How many writes may wait for their commit; more are refused with `resource_exhausted`. Default: 10 000. */
  maxQueuedWrites?: number;
  /** How many bytes those may have together. Default: 64 MiB. */
  maxQueuedBytes?: number;
  /** How many writes share a transaction. Default: 256, about 5 ms in which the bridge does nothing else. */
  maxWritesPerCommit?: number;
}

/** A row of small fields and a lookup: what waiting costs for a write without a record. */
const smallWriteBytes = 256;

/**
 * Keeps plans and executions in an SQLite file. An answered write is on the disk: it survives `kill -9` and a power
 * cut. Writes of one tick share a commit. Several bridges of one host may share the file.
 * @throws LoomError `failed_precondition` when the path, the file or Node will not do; `unavailable` when another
 * process has locked the file or the disk fails; `data_loss` when the file is damaged.
 */
export async function createSqliteStore(options: SqliteStoreOptions): Promise<MemoryStore> {
  const capacity: MemoryCapacity = { ...defaultMemoryCapacity, ...options.capacity };
  const database = await openDatabase({
    path: resolve(options.path),
    busyTimeoutMs: options.busyTimeoutMs ?? 1000,
    ...(options.maxFileBytes === undefined ? {} : { maxFileBytes: options.maxFileBytes }),
  });
  const sessions = createSessionQueries(database, capacity.sessions);
  const plans = createPlanQueries(database);
  const executions = createExecutionQueries(database);
  const claims = createClaimQueries(database);
  const commits = createGroupCommit({
    database,
    runtime: options.runtime,
    maxQueuedWrites: options.maxQueuedWrites ?? 10_000,
    maxQueuedBytes: options.maxQueuedBytes ?? 64 * 1024 * 1024,
    maxWritesPerCommit: options.maxWritesPerCommit ?? 256,
  });

  /** Reads run at once. A transaction never stays open over a tick, so they see exactly what was committed. */
  function read<Result>(query: () => Result): Result {
    if (!database.open) throw storeClosed();
    try {
      return query();
    } catch (error) {
      throw sqliteFailure(error, "the memory database");
    }
  }

  function preventedDuplicate(sessionId: string, subject: PlanSubject, windowMs: number): Duplicate | undefined {
    const session = sessions.find(sessionId);
    const duplicate = session === undefined ? undefined : plans.nearest(session.id, subject, windowMs);
    if (session !== undefined && duplicate !== undefined) {
      sessions.save({ ...session, duplicatesPrevented: session.duplicatesPrevented + 1 });
      plans.countPrevented(session.id, subject.symbol);
    }
    return duplicate;
  }

  return {
    kind: "sqlite",

    savePlan: (sessionId, plan, { onlyIfNewWithinMs } = {}) =>
      commits.write(() => {
        if (onlyIfNewWithinMs !== undefined) {
          const duplicate = preventedDuplicate(sessionId, plan, onlyIfNewWithinMs);
          if (duplicate !== undefined) return { status: "duplicate", ...duplicate };
        }
        const session = sessions.findOrBegin(sessionId);
        plans.insert(session.id, plan);
        // More than one only after the capacity was lowered.
        const excess = session.plans + 1 - capacity.plansPerSession;
        const evicted = excess > 0 ? plans.evictOldest(session.id, excess) : 0;
        sessions.save({ ...session, plans: session.plans + 1 - evicted });
        return { status: "saved", evicted };
      }, recordBytes(plan)),

    async findDuplicate(sessionId, subject, windowMs) {
      // Mostly there is none, and then nothing is to be counted and no disk to be waited for.
      const found = read(() => {
        const session = sessions.find(sessionId);
        return session === undefined ? undefined : plans.nearest(session.id, subject, windowMs);
      });
      if (found === undefined) return undefined;
      return commits.write(() => preventedDuplicate(sessionId, subject, windowMs), smallWriteBytes);
    },

    async recentPlans(sessionId, { symbol, limit }) {
      return read(() => {
        const session = sessions.find(sessionId);
        return session === undefined ? [] : plans.recent(session.id, symbol, limit);
      });
    },

    markExecuted: (sessionId, execution, fence = noFence) =>
      commits.write(() => {
        const known = sessions.find(sessionId);
        const first = known && executions.find(known.id, execution.planHash);
        if (first !== undefined) return { alreadyExecuted: true, execution: first, evicted: 0 };
        const claim = known && claims.find(known.id, execution.planHash);
        checkFence(claim, execution.planHash, fence);
        const session = known ?? sessions.findOrBegin(sessionId);
        const { executed } = execution;
        executions.insert(session.id, execution);
        const kind = executed ? "executions" : "attempts";
        const most = executed ? capacity.executionsPerSession : capacity.attemptsPerSession;
        const excess = session[kind] + 1 - most;
        const evicted = excess > 0 ? executions.evictOldest(session.id, executed, excess) : 0;
        const ended = executed && claim !== undefined ? 1 : 0;
        if (ended > 0) claims.delete(session.id, execution.planHash);
        sessions.save({ ...session, [kind]: session[kind] + 1 - evicted, claims: session.claims - ended });
        return { alreadyExecuted: false, execution, evicted };
      }, recordBytes(execution)),

    claimExecution: (sessionId, { planHash, holder, leaseMs, nowMs }) =>
      commits.write(() => {
        const session = sessions.findOrBegin(sessionId);
        const execution = executions.find(session.id, planHash);
        if (execution !== undefined) return { status: "executed", execution };
        const before = claims.find(session.id, planHash);
        const live = before !== undefined && isLive(before, nowMs);
        if (live && before.holder !== holder) return { status: "held", claim: before };
        // More than one only after the capacity was lowered.
        const excess = before === undefined ? session.claims + 1 - capacity.claimsPerSession : 0;
        const evicted = excess > 0 ? claims.evictEnded(session.id, nowMs, excess) : 0;
        if (evicted < excess) throw tooManyClaims(capacity.claimsPerSession);
        const fencingToken = live ? before.fencingToken : nextFencingToken(session.lastFencingToken, nowMs);
        const claim = { planHash, holder, fencingToken, expiresMs: nowMs + leaseMs };
        claims.put(session.id, claim);
        const added = before === undefined ? 1 : 0;
        sessions.save({
          ...session,
          claims: session.claims + added - evicted,
          lastFencingToken: Math.max(fencingToken, session.lastFencingToken),
        });
        return { status: "claimed", claim };
      }, smallWriteBytes),

    releaseExecution: (sessionId, planHash, fencingToken) =>
      commits.write(() => {
        const session = sessions.find(sessionId);
        if (session === undefined || claims.find(session.id, planHash)?.fencingToken !== fencingToken) return false;
        claims.delete(session.id, planHash);
        sessions.save({ ...session, claims: session.claims - 1 });
        return true;
      }, smallWriteBytes),

    async findExecution(sessionId, planHash) {
      return read(() => {
        const session = sessions.find(sessionId);
        return session === undefined ? undefined : executions.find(session.id, planHash);
      });
    },

    async executionStats(sessionId, { symbol, recentLimit }) {
      return read(() => {
        const session = sessions.find(sessionId);
        if (session === undefined) return { total: 0, successful: 0, failed: 0, recent: [], duplicatesPrevented: 0 };
        return {
          ...executions.counts(session.id, symbol, recentLimit),
          duplicatesPrevented: symbol === undefined ? session.duplicatesPrevented : plans.prevented(session.id, symbol),
        };
      });
    },

    async close() {
      if (!database.open) return;
      commits.close();
      // The last process to close the file moves its log into it, so that a copy of one file is a backup.
      database.close();
    },
  };
}
