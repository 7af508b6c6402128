import { resolve } from "node:path";
import type { Runtime } from "@loom-bridge/protocol";
import {
  type CallResultLimits,
  type CallResultStore,
  defaultCallResultLimits,
} from "../../domain/tools/call-result-store.ts";
import type { ToolOutcome } from "../../domain/tools/tool.ts";
import { isUnknown } from "../../domain/tools/tool-outcome.ts";
import { createGroupCommit } from "../sqlite/group-commit.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import { callResultBytes } from "./call-result-bytes.ts";
import { callResultsClosed } from "./call-results-closed.ts";

/** Where results of calls are kept on disk, and how many. */
export interface SqliteCallResultsOptions {
  /** The database file, which may be that of the memory. */
  readonly path: string;
  readonly runtime: Runtime;
  readonly limits?: Partial<CallResultLimits>;
}

interface CallRow {
  readonly key: string;
  readonly fingerprint: string;
  readonly outcome: string | null;
  readonly bytes: number;
  readonly expiresMs: number;
}

/**
 * Keeps the results of calls in an SQLite file: they survive `kill -9` and a power cut. Changes of one tick share a
 * commit. Bridges that share the file share their keys.
 * @throws LoomError as `createSqliteStore` does.
 */
export async function createSqliteCallResults(options: SqliteCallResultsOptions): Promise<CallResultStore> {
  const limits = { ...defaultCallResultLimits, ...options.limits };
  const database = await openDatabase({ path: resolve(options.path), busyTimeoutMs: 1000 });
  const commits = createGroupCommit({
    database,
    runtime: options.runtime,
    maxQueuedWrites: 10_000,
    maxQueuedBytes: 64 * 1024 * 1024,
    maxWritesPerCommit: 256,
  });
  const find = database.prepare<[string, number], CallRow>(
    "SELECT key, fingerprint, outcome, bytes, expires_ms AS expiresMs FROM calls WHERE key = ? AND expires_ms > ?",
  );
  const remove = database.prepare<[string]>("DELETE FROM calls WHERE key = ?");
  const insert = database.prepare<[CallRow]>(
    `INSERT INTO calls (key, fingerprint, outcome, bytes, expires_ms)
     VALUES (@key, @fingerprint, @outcome, @bytes, @expiresMs)`,
  );
  const totals = database.prepare<[], { keys: number; bytes: number }>("SELECT keys, bytes FROM call_totals");
  const oldest = database.prepare<[], { key: string; expiresMs: number }>(
    "SELECT key, expires_ms AS expiresMs FROM calls ORDER BY expires_ms LIMIT 1",
  );

  const put = (key: string, fingerprint: string, outcome: ToolOutcome | undefined, nowMs: number): void => {
    remove.run(key);
    const text = outcome === undefined ? null : JSON.stringify(outcome);
    const bytes = callResultBytes(key, outcome);
    insert.run({ key, fingerprint, outcome: text, bytes, expiresMs: nowMs + limits.keepMs });
    for (let first = oldest.get(); first !== undefined; first = oldest.get()) {
      const total = totals.get() ?? { keys: 0, bytes: 0 };
      if (first.expiresMs > nowMs && total.keys <= limits.keys && total.bytes <= limits.bytes) return;
      remove.run(first.key);
    }
  };
  const write = async <Result>(change: () => Result, bytes: number): Promise<Result> => {
    if (!database.open) throw callResultsClosed();
    return await commits.write(change, bytes);
  };

  return {
    begin: ({ key, fingerprint, mayRepeat }, nowMs) =>
      write(
        () => {
          const row = find.get(key, nowMs);
          if (row !== undefined) {
            const outcome = row.outcome === null ? undefined : (JSON.parse(row.outcome) as ToolOutcome);
            const isKnown = outcome !== undefined && !isUnknown(outcome);
            if (isKnown || !mayRepeat || row.fingerprint !== fingerprint)
              return { fingerprint: row.fingerprint, outcome };
          }
          put(key, fingerprint, undefined, nowMs);
          return undefined;
        },
        callResultBytes(key, undefined),
      ),
    end: (key, outcome, nowMs) =>
      write(
        () => {
          const begun = find.get(key, 0);
          if (begun !== undefined) put(key, begun.fingerprint, outcome, nowMs);
        },
        callResultBytes(key, outcome),
      ),
    forget: (key) => write(() => void remove.run(key), callResultBytes(key, undefined)),
    async close() {
      if (!database.open) return;
      commits.close();
      database.close();
    },
  };
}
