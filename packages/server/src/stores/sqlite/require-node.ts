import { LoomError } from "@loom-bridge/protocol";

/** The oldest Node that Loom Bridge runs on. */
export const oldestNode = "22.14";

/**
 * Refuses a Node that is too old, in one line. Call it before anything native is loaded: on Node 20 better-sqlite3 13
 * ends the process with a segmentation fault instead of an error.
 * @throws LoomError `failed_precondition` that names both versions.
 */
export function requireNode(version: string = process.versions.node): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldestNode.split(".").map(Number);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new LoomError("failed_precondition", `Loom Bridge needs Node ${oldestNode} or newer, and this is ${version}`, {
    details: { limit: oldestNode, value: version },
  });
}
