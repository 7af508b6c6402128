import { type ErrorCode, LoomError } from "@loom-bridge/protocol";

/** By the first two words of SQLite's code. https://sqlite.org/rescode.html */
const meanings: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  SQLITE_BUSY: ["unavailable", "is locked by another process, perhaps another bridge; stop it, or use another file"],
  SQLITE_FULL: ["unavailable", "cannot grow: the disk or the limit maxFileBytes is full; make room"],
  SQLITE_IOERR: ["unavailable", "cannot be read or written: input/output error; check the disk"],
  SQLITE_CANTOPEN: [
    "failed_precondition",
    "cannot be opened; check the path and the permissions of file and directory",
  ],
  SQLITE_NOTADB: ["failed_precondition", "is not an SQLite database; name another file"],
  SQLITE_READONLY: [
    "failed_precondition",
    "is read-only; give the bridge write permission to the file and its directory",
  ],
  SQLITE_CORRUPT: ["data_loss", "is damaged; restore it from a backup"],
};

/**
 * Makes a LoomError of what better-sqlite3 threw. A LoomError stays as it is. `subject` begins the message; name the
 * path in it only where an operator reads, since agents see the errors of their calls.
 */
export function sqliteFailure(error: unknown, subject: string): LoomError {
  if (LoomError.isInstance(error)) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const [status, meaning] = meanings[code.split("_", 2).join("_")] ?? ["internal", "failed in an unexpected way"];
  return new LoomError(status, `${subject} ${meaning}`, {
    cause: error,
    ...(code === "" ? {} : { details: { sqlite: code } }),
  });
}
