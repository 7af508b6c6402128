import type { Database } from "better-sqlite3";
import { tooManySessions } from "../too-many-sessions.ts";

/** A session's row: how much it holds. */
export interface SessionRow {
  readonly id: number;
  readonly plans: number;
  readonly executions: number;
  readonly attempts: number;
  readonly duplicatesPrevented: number;
  readonly claims: number;
  /** The greatest token that a claim of the session ever had; 0 when there was none. */
  readonly lastFencingToken: number;
}

export interface SessionQueries {
  find(name: string): SessionRow | undefined;
  /** Finds the session or begins it. @throws LoomError `resource_exhausted` when it would be one too many. */
  findOrBegin(name: string): SessionRow;
  save(session: SessionRow): void;
}

export function createSessionQueries(database: Database, maxSessions: number): SessionQueries {
  const select = database.prepare<[string], SessionRow>(
    `SELECT id, plans, executions, attempts, duplicates_prevented AS duplicatesPrevented, claims,
       last_fencing_token AS lastFencingToken
     FROM sessions WHERE name = ?`,
  );
  const count = database.prepare<[], number>("SELECT count(*) FROM sessions").pluck();
  const insert = database.prepare<[string]>("INSERT INTO sessions (name) VALUES (?)");
  const update = database.prepare<[SessionRow]>(
    `UPDATE sessions SET plans = @plans, executions = @executions, attempts = @attempts,
       duplicates_prevented = @duplicatesPrevented, claims = @claims, last_fencing_token = @lastFencingToken
     WHERE id = @id`,
  );
  return {
    find: (name) => select.get(name),
    findOrBegin(name) {
      const found = select.get(name);
      if (found !== undefined) return found;
      if ((count.get() ?? 0) >= maxSessions) throw tooManySessions(maxSessions);
      const id = Number(insert.run(name).lastInsertRowid);
      return { id, plans: 0, executions: 0, attempts: 0, duplicatesPrevented: 0, claims: 0, lastFencingToken: 0 };
    },
    save: (session) => void update.run(session),
  };
}
