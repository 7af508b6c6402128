import { BoundedQueue, LoomError, type Runtime } from "@loom-bridge/protocol";
import type { Database } from "better-sqlite3";
import { storeClosed } from "../store-closed.ts";
import { sqliteFailure } from "./sqlite-failure.ts";

export interface GroupCommitOptions {
  database: Database;
  runtime: Runtime;
  /** How many writes may wait for their commit. */
  maxQueuedWrites: number;
  /** How many bytes those may have together. */
  maxQueuedBytes: number;
  /** How many writes share a transaction; the bridge does nothing else meanwhile. */
  maxWritesPerCommit: number;
}

/** Gathers the writes of a tick into one transaction, because a commit costs a wait for the disk and a write does not. */
export interface GroupCommit {
  /**
   * Runs `change` in a transaction and fulfils with its result once that is committed. When `change` throws, or the
   * commit fails, nothing of it remains, and the promise rejects with a LoomError; other writes of the same
   * transaction are not touched by what `change` throws. `bytes` is about what waiting for it costs.
   */
  write<Result>(change: () => Result, bytes: number): Promise<Result>;
  /** Commits what waits. Writes from now on are refused. */
  close(): void;
}

interface Write {
  readonly change: () => unknown;
  readonly fulfil: (result: never) => void;
  readonly reject: (reason: LoomError) => void;
}

export function createGroupCommit(options: GroupCommitOptions): GroupCommit {
  const { database, runtime, maxQueuedWrites, maxQueuedBytes, maxWritesPerCommit } = options;
  const queue = new BoundedQueue<Write>({ maxItems: maxQueuedWrites, maxBytes: maxQueuedBytes });
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  const rollback = database.prepare("ROLLBACK");
  const savepoint = database.prepare("SAVEPOINT write");
  const release = database.prepare("RELEASE write");
  const rollbackWrite = database.prepare("ROLLBACK TO write");
  let scheduled = false;
  let closed = false;

  function schedule(): void {
    if (scheduled || queue.length === 0) return;
    scheduled = true;
    runtime.defer(() => {
      scheduled = false;
      commitSome();
      schedule();
    });
  }

  function commitSome(): void {
    const writes = queue.take(maxWritesPerCommit);
    if (writes.length === 0) return;
    try {
      begin.run();
      const answers = writes.map(attempt);
      commit.run();
      for (const answer of answers) answer();
    } catch (error) {
      const reason = sqliteFailure(error, "the memory database");
      for (const write of writes) write.reject(reason);
      if (database.inTransaction) rollback.run();
    }
  }

  /** Runs one write, and returns how to answer it after the commit. Throws when the whole transaction is lost. */
  function attempt({ change, fulfil, reject }: Write): () => void {
    savepoint.run();
    try {
      const result = change();
      release.run();
      return () => fulfil(result as never);
    } catch (error) {
      // A full disk or an input/output error can make SQLite roll everything back by itself.
      if (!database.inTransaction) throw error;
      rollbackWrite.run();
      release.run();
      return () => reject(sqliteFailure(error, "the memory database"));
    }
  }

  return {
    write<Result>(change: () => Result, bytes: number) {
      return new Promise<Result>((fulfil, reject) => {
        if (closed) throw storeClosed();
        if (queue.offer({ change, fulfil, reject }, bytes) < 0) {
          const [limit, value] =
            queue.length >= maxQueuedWrites ? ["maxQueuedWrites", maxQueuedWrites] : ["maxQueuedBytes", maxQueuedBytes];
          throw new LoomError(
            "resource_exhausted",
            `the memory database has ${queue.length} writes of ${queue.bytes} bytes waiting, and its limit "${limit}" is ${value}; try again later`,
            { details: { limit: String(limit), value: String(value) }, retryable: true },
          );
        }
        schedule();
      });
    },

    close() {
      closed = true;
      while (queue.length > 0) commitSome();
    },
  };
}
