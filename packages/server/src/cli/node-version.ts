// Imports nothing: it has to run on the Node that it refuses.

/** The oldest Node that the command runs on, as in package.json. */
export const oldestNode: string = "22.14";

/** Returns what to tell a user whose Node is too old. */
export function nodeProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldestNode.split(".").map(Number);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined;
  return `loom-bridge needs Node ${oldestNode} or newer, and this is ${version}; install a newer one from https://nodejs.org`;
}
