import type { ToolOutcome } from "../../domain/tools/tool.ts";

/** For the entry besides its text. */
const overheadBytes = 256;

/** About how much a kept call takes. */
export function callResultBytes(key: string, outcome: ToolOutcome | undefined): number {
  return overheadBytes + 2 * (key.length + (outcome === undefined ? 0 : JSON.stringify(outcome).length));
}
