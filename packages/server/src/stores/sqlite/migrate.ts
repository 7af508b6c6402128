import { LoomError } from "@loom-bridge/protocol";
import type { Database } from "better-sqlite3";

/** "LOOM": marks a file as ours, as `file` and SQLite's application_id have it. */
const memoryApplicationId = 0x4c4f4f4d;

/**
 * Brings a database to the newest schema in one transaction: all of the missing steps, or none.
 * @throws LoomError `failed_precondition` when the file belongs to another program or to a newer Loom Bridge.
 */
export function migrate(
  database: Database,
  path: string,
  migrations: readonly string[],
  applicationId: number = memoryApplicationId,
): void {
  const update = database.transaction(() => {
    const version = Number(database.pragma("user_version", { simple: true }));
    const owner = Number(database.pragma("application_id", { simple: true }));
    if (owner !== applicationId && database.prepare("SELECT 1 FROM sqlite_schema").get() !== undefined) {
      throw new LoomError(
        "failed_precondition",
        `${path} is the SQLite database of another program; name a file of Loom Bridge, or a new one`,
        { details: { path } },
      );
    }
    if (version > migrations.length) {
      throw new LoomError(
        "failed_precondition",
        `${path} was written by a newer Loom Bridge: its schema is version ${version}, and this one knows ${migrations.length}; use the newer one, or another file`,
        { details: { path, limit: String(migrations.length), value: String(version) } },
      );
    }
    for (const step of migrations.slice(version)) database.exec(step);
    database.pragma(`user_version = ${migrations.length}`);
    database.pragma(`application_id = ${applicationId}`);
  });
  // Immediate takes the write lock first, so that of two bridges that open a new file one migrates it. It also finds
  // out now, and not at the first plan, that the file cannot be written.
  update.immediate();
}
