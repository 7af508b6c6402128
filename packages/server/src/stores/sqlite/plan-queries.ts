import type { Database } from "better-sqlite3";
import type { Duplicate, Plan, PlanSubject } from "../../domain/memory/memory-store.ts";

type PlanRow = Omit<Plan, "metadata"> & { readonly metadata: string; readonly id: number };

/** The statements on plans. Those that change something run inside a transaction of the caller's. */
export interface PlanQueries {
  insert(sessionId: number, plan: Plan): void;
  /** Removes the session's oldest plans, and the counts of symbols that have none left. Returns how many went. */
  evictOldest(sessionId: number, count: number): number;
  nearest(sessionId: number, subject: PlanSubject, windowMs: number): Duplicate | undefined;
  recent(sessionId: number, symbol: string | undefined, limit: number): Plan[];
  countPrevented(sessionId: number, symbol: string): void;
  prevented(sessionId: number, symbol: string): number;
}

const columns = `id, timestamp_ms AS timestampMs, symbol, action, confidence, reasoning,
  plan_hash AS planHash, method, metadata`;
const sameSubject = "session_id = @sessionId AND symbol = @symbol AND action = @action";

export function createPlanQueries(database: Database): PlanQueries {
  type Near = PlanSubject & { sessionId: number; windowMs: number };
  const insert = database.prepare<[Omit<PlanRow, "id"> & { sessionId: number }]>(
    `INSERT INTO plans
       (session_id, timestamp_ms, symbol, action, confidence, reasoning, plan_hash, method, metadata)
     VALUES
       (@sessionId, @timestampMs, @symbol, @action, @confidence, @reasoning, @planHash, @method, @metadata)`,
  );
  const evict = database
    .prepare<[number, number], string>(
      `DELETE FROM plans WHERE id IN (SELECT id FROM plans WHERE session_id = ? ORDER BY id LIMIT ?) RETURNING symbol`,
    )
    .pluck();
  const forgetSymbol = database.prepare<{ sessionId: number; symbol: string }>(
    `DELETE FROM symbols WHERE session_id = @sessionId AND symbol = @symbol
       AND NOT EXISTS (SELECT 1 FROM plans WHERE session_id = @sessionId AND symbol = @symbol)`,
  );
  // Two short walks along plans_by_time, one to each side. Rows with the same time stamp stand in the order of id.
  const earlier = database.prepare<[Near], PlanRow>(
    `SELECT ${columns} FROM plans
     WHERE ${sameSubject} AND timestamp_ms <= @timestampMs AND timestamp_ms > @timestampMs - @windowMs
     ORDER BY timestamp_ms DESC, id DESC LIMIT 1`,
  );
  const later = database.prepare<[Near], PlanRow>(
    `SELECT ${columns} FROM plans
     WHERE ${sameSubject} AND timestamp_ms = (
       SELECT min(timestamp_ms) FROM plans
       WHERE ${sameSubject} AND timestamp_ms > @timestampMs AND timestamp_ms < @timestampMs + @windowMs
     )
     ORDER BY id DESC LIMIT 1`,
  );
  const recent = database.prepare<[number, number], PlanRow>(
    `SELECT ${columns} FROM plans WHERE session_id = ? ORDER BY id DESC LIMIT ?`,
  );
  const recentOfSymbol = database.prepare<[number, string, number], PlanRow>(
    `SELECT ${columns} FROM plans WHERE session_id = ? AND symbol = ? ORDER BY id DESC LIMIT ?`,
  );
  const countPrevented = database.prepare<[number, string]>(
    `INSERT INTO symbols (session_id, symbol, duplicates_prevented) VALUES (?, ?, 1)
     ON CONFLICT DO UPDATE SET duplicates_prevented = duplicates_prevented + 1`,
  );
  const prevented = database
    .prepare<[number, string], number>("SELECT duplicates_prevented FROM symbols WHERE session_id = ? AND symbol = ?")
    .pluck();

  return {
    insert: (sessionId, plan) => void insert.run({ ...plan, sessionId, metadata: JSON.stringify(plan.metadata) }),

    evictOldest(sessionId, count) {
      const symbols = evict.all(sessionId, count);
      for (const symbol of new Set(symbols)) forgetSymbol.run({ sessionId, symbol });
      return symbols.length;
    },

    nearest(sessionId, { symbol, action, timestampMs }, windowMs) {
      const near = { sessionId, symbol, action, timestampMs, windowMs };
      return nearer(earlier.get(near), later.get(near), timestampMs);
    },

    recent(sessionId, symbol, limit) {
      const rows = symbol === undefined ? recent.all(sessionId, limit) : recentOfSymbol.all(sessionId, symbol, limit);
      return rows.map(toPlan);
    },

    countPrevented: (sessionId, symbol) => void countPrevented.run(sessionId, symbol),
    prevented: (sessionId, symbol) => prevented.get(sessionId, symbol) ?? 0,
  };
}

function nearer(earlier: PlanRow | undefined, later: PlanRow | undefined, timestampMs: number): Duplicate | undefined {
  const before = earlier === undefined ? Number.POSITIVE_INFINITY : timestampMs - earlier.timestampMs;
  const after = later === undefined ? Number.POSITIVE_INFINITY : later.timestampMs - timestampMs;
  const laterWins = after < before || (after === before && (later?.id ?? 0) > (earlier?.id ?? 0));
  const row = laterWins ? later : earlier;
  return row === undefined ? undefined : { plan: toPlan(row), distanceMs: Math.min(before, after) };
}

function toPlan({ id: _, metadata, ...row }: PlanRow): Plan {
  return { ...row, metadata: JSON.parse(metadata) as Plan["metadata"] };
}
