import type { Database } from "better-sqlite3";
import type { Execution, ExecutionCounts } from "../../domain/memory/memory-store.ts";

type ExecutionRow = Omit<Execution, "executed"> & { readonly executed: number };

/** The statements on executions. Those that change something run inside a transaction of the caller's. */
export interface ExecutionQueries {
  insert(sessionId: number, execution: Execution): void;
  /** Removes the session's oldest records of the kind: executions or attempts. Returns how many went. */
  evictOldest(sessionId: number, executed: boolean, count: number): number;
  /** The execution of a plan; attempts are none. */
  find(sessionId: number, planHash: string): Execution | undefined;
  counts(
    sessionId: number,
    symbol: string | undefined,
    recentLimit: number,
  ): Omit<ExecutionCounts, "duplicatesPrevented">;
}

const columns = `timestamp_ms AS timestampMs, plan_hash AS planHash, symbol, action, confidence, status, executed,
  order_id AS orderId, order_size_usdt AS orderSizeUsdt, error_message AS errorMessage`;
const counted = "count(*) AS total, total(status = 'success') AS successful, total(status = 'error') AS failed";

export function createExecutionQueries(database: Database): ExecutionQueries {
  const insert = database.prepare<[ExecutionRow & { sessionId: number }]>(
    `INSERT INTO executions
       (session_id, timestamp_ms, plan_hash, symbol, action, confidence, status, executed,
        order_id, order_size_usdt, error_message)
     VALUES
       (@sessionId, @timestampMs, @planHash, @symbol, @action, @confidence, @status, @executed,
        @orderId, @orderSizeUsdt, @errorMessage)`,
  );
  const evict = database.prepare<[number, number, number]>(
    `DELETE FROM executions
     WHERE id IN (SELECT id FROM executions WHERE session_id = ? AND executed = ? ORDER BY id LIMIT ?)`,
  );
  const find = database.prepare<[number, string], ExecutionRow>(
    `SELECT ${columns} FROM executions WHERE session_id = ? AND plan_hash = ? AND executed = 1`,
  );
  type Counts = { total: number; successful: number; failed: number };
  const count = database.prepare<[number], Counts>(`SELECT ${counted} FROM executions WHERE session_id = ?`);
  const countOfSymbol = database.prepare<[number, string], Counts>(
    `SELECT ${counted} FROM executions WHERE session_id = ? AND symbol = ?`,
  );
  // The inner query reads ids from an index alone; only the few rows that are returned are looked up.
  const recent = (where: string): string =>
    `SELECT ${columns} FROM executions
     WHERE id IN (SELECT id FROM executions WHERE ${where} ORDER BY id DESC LIMIT ?) ORDER BY id DESC`;
  const recentOfSession = database.prepare<[number, number], ExecutionRow>(recent("session_id = ?"));
  const recentOfSymbol = database.prepare<[number, string, number], ExecutionRow>(
    recent("session_id = ? AND symbol = ?"),
  );

  return {
    insert: (sessionId, execution) =>
      void insert.run({ ...execution, sessionId, executed: execution.executed ? 1 : 0 }),
    evictOldest: (sessionId, executed, most) => evict.run(sessionId, executed ? 1 : 0, most).changes,
    find(sessionId, planHash) {
      const row = find.get(sessionId, planHash);
      return row === undefined ? undefined : toExecution(row);
    },
    counts(sessionId, symbol, limit) {
      const counts = symbol === undefined ? count.get(sessionId) : countOfSymbol.get(sessionId, symbol);
      const rows =
        symbol === undefined ? recentOfSession.all(sessionId, limit) : recentOfSymbol.all(sessionId, symbol, limit);
      return { ...(counts ?? { total: 0, successful: 0, failed: 0 }), recent: rows.map(toExecution) };
    },
  };
}

function toExecution(row: ExecutionRow): Execution {
  return { ...row, executed: row.executed === 1 };
}
