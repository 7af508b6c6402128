import { ToolFailure } from "../domain/tools/tool-failure.ts";

const known: Readonly<Record<string, { readonly problem: string; readonly reason: string }>> = {
  ENOENT: { problem: "does not exist", reason: "not_found" },
  ENOTDIR: { problem: "is not a directory, or passes something that is none", reason: "not_a_directory" },
  EISDIR: { problem: "is a directory", reason: "is_a_directory" },
  ENOTEMPTY: { problem: "is a directory", reason: "is_a_directory" },
  EEXIST: { problem: "is a directory", reason: "is_a_directory" },
  ENAMETOOLONG: { problem: "has a name that is too long", reason: "name_too_long" },
  ENOSPC: { problem: "does not fit: the disk is full", reason: "no_space" },
};
const denied = new Set(["EACCES", "EPERM", "EROFS"]);

/** What the caller is told of a file system's error: the path as it was asked for, never where it is on the disk. */
export function asFileFailure(error: unknown, path: string): unknown {
  if (error instanceof ToolFailure) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined) return error;
  const shown = JSON.stringify(path);
  if (code === "ELOOP") {
    return new ToolFailure("PERMISSION_DENIED", `${shown} is or passes a symbolic link; none is followed`);
  }
  if (denied.has(code)) {
    return new ToolFailure("PERMISSION_DENIED", `the bridge may not use ${shown} (${code})`, { cause: error });
  }
  const { problem, reason } = known[code] ?? { problem: `failed with ${code}`, reason: "failed" };
  return new ToolFailure("EXECUTION_ERROR", `${shown} ${problem}`, { cause: error, details: { reason } });
}
