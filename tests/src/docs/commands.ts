import { join } from "node:path";
import { type Block, root } from "./markdown.ts";

/** The commands of an `sh` block, one a line, without its comments. */
export function commandsOf({ text }: Block): string[] {
  const lines = text.replaceAll("\\\n", " ").split("\n");
  return lines.filter((line) => line.trim() !== "" && !line.startsWith("#"));
}

/** The same command with the loom-bridge of this repository, for a shell. */
export function fromSource(command: string): string {
  const cli = join(root, "packages/server/src/cli/main.ts");
  return command.replace(/^loom-bridge\b/, () => `"${process.execPath}" --import=tsx "${cli}"`);
}
