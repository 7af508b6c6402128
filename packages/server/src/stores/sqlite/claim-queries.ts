import type { Database } from "better-sqlite3";
import type { ExecutionClaim } from "../../domain/memory/execution-claim.ts";

/** The statements on claims. Those that change something run inside a transaction of the caller's. */
export interface ClaimQueries {
  find(sessionId: number, planHash: string): ExecutionClaim | undefined;
  /** Stores a claim in place of the plan's earlier one. */
  put(sessionId: number, claim: ExecutionClaim): void;
  delete(sessionId: number, planHash: string): void;
  /** Removes claims whose leases have ended, the first to end first, `most` at most. Returns how many went. */
  evictEnded(sessionId: number, nowMs: number, most: number): number;
}

export function createClaimQueries(database: Database): ClaimQueries {
  const find = database.prepare<[number, string], ExecutionClaim>(
    `SELECT plan_hash AS planHash, holder, fencing_token AS fencingToken, expires_ms AS expiresMs
     FROM claims WHERE session_id = ? AND plan_hash = ?`,
  );
  const put = database.prepare<[ExecutionClaim & { sessionId: number }]>(
    `INSERT OR REPLACE INTO claims (session_id, plan_hash, holder, fencing_token, expires_ms)
     VALUES (@sessionId, @planHash, @holder, @fencingToken, @expiresMs)`,
  );
  const remove = database.prepare<[number, string]>("DELETE FROM claims WHERE session_id = ? AND plan_hash = ?");
  const evict = database.prepare<{ sessionId: number; nowMs: number; most: number }>(
    `DELETE FROM claims WHERE session_id = @sessionId AND plan_hash IN (
       SELECT plan_hash FROM claims WHERE session_id = @sessionId AND expires_ms <= @nowMs
       ORDER BY expires_ms, fencing_token LIMIT @most
     )`,
  );
  return {
    find: (sessionId, planHash) => find.get(sessionId, planHash),
    put: (sessionId, claim) => void put.run({ ...claim, sessionId }),
    delete: (sessionId, planHash) => void remove.run(sessionId, planHash),
    evictEnded: (sessionId, nowMs, most) => evict.run({ sessionId, nowMs, most }).changes,
  };
}
