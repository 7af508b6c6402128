import { statSync } from "node:fs";
import { dirname } from "node:path";
import { LoomError } from "@loom-bridge/protocol";
import type { Database } from "better-sqlite3";
import { migrate } from "./migrate.ts";
import { migrations } from "./migrations/migrations.ts";
import { requireNode } from "./require-node.ts";
import { sqliteFailure } from "./sqlite-failure.ts";

export interface OpenDatabaseOptions {
  /** An absolute path. The directory must exist; the file is made when it does not. */
  path: string;
  /** How long a call may wait for another process's lock. The bridge stands still meanwhile. */
  busyTimeoutMs: number;
  /** The most bytes the file may have. Absent: what the disk holds. */
  maxFileBytes?: number;
  /** What the file is for. Default: the memory. */
  schema?: DatabaseSchema;
}

export interface DatabaseSchema {
  /** Begins the messages of errors. */
  readonly subject: string;
  /** Marks the file, so that it is not taken for another of ours. */
  readonly applicationId?: number;
  readonly migrations: readonly string[];
  /** Whether one process alone may have the file. */
  readonly exclusive?: boolean;
}

const memorySchema: DatabaseSchema = { subject: "the memory database", migrations };

/**
 * Opens or makes the database, and brings it to the newest schema.
 * @throws LoomError `failed_precondition` when the path, the file or Node will not do; `unavailable` when another
 * process has locked the file or the disk fails; `data_loss` when the file is damaged.
 */
export async function openDatabase({
  path,
  busyTimeoutMs,
  maxFileBytes,
  schema = memorySchema,
}: OpenDatabaseOptions): Promise<Database> {
  requireNode();
  requireDirectory(path, schema.subject);
  const { default: SqliteDatabase } = await import("better-sqlite3");
  let database: Database | undefined;
  try {
    database = new SqliteDatabase(path, { timeout: busyTimeoutMs });
    if (schema.exclusive === true) database.pragma("locking_mode = EXCLUSIVE");
    // Before anything else is set, so that the file of another program stays as it is.
    migrate(database, path, schema.migrations, schema.applicationId);
    // Readers such as a backup do not stop the bridge, and a commit is one write at the end of the log.
    database.pragma("journal_mode = WAL");
    // Acknowledged means committed: every COMMIT waits until the log is on the disk, so that neither kill -9 nor a
    // power cut loses an answered write. better-sqlite3 is built with NORMAL for WAL, which would lose the last ones.
    database.pragma("synchronous = FULL");
    if (maxFileBytes !== undefined) {
      const pageBytes = Number(database.pragma("page_size", { simple: true }));
      database.pragma(`max_page_count = ${Math.max(1, Math.floor(maxFileBytes / pageBytes))}`);
    }
    return database;
  } catch (error) {
    database?.close();
    throw sqliteFailure(error, `${schema.subject} ${path}`);
  }
}

function requireDirectory(path: string, subject: string): void {
  const directory = dirname(path);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new LoomError(
    "failed_precondition",
    `the directory ${directory} for ${subject} does not exist; make it, or name another path`,
    { details: { path } },
  );
}
