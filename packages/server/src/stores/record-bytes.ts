import type { ExecutionClaim } from "../domain/memory/execution-claim.ts";
import type { Execution, Plan } from "../domain/memory/memory-store.ts";

/** For the objects and index entries of a record besides its text. Filled heaps show 240 to 390. */
const overheadBytes = 512;
/** For a metadata pair besides its text, as characters. Filled heaps show about 60 bytes. */
const pairCharacters = 32;

/** About how much memory a record takes: two bytes a character at the most, and its frame. */
export function recordBytes(record: Plan | Execution | ExecutionClaim): number {
  let characters = 0;
  for (const value of Object.values(record)) {
    if (typeof value === "string") characters += value.length;
  }
  if ("metadata" in record) {
    for (const [key, value] of Object.entries(record.metadata))
      characters += pairCharacters + key.length + value.length;
  }
  return overheadBytes + 2 * characters;
}
