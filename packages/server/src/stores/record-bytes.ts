import type { Execution, Plan } from "../domain/memory/memory-store.ts";

/** For the objects and index entries around a record's text; found by filling a heap. */
const overheadBytes = 512;

/** About how much memory a record takes: two bytes a character at the most, and its frame. */
export function recordBytes(record: Plan | Execution): number {
  let characters = 0;
  for (const value of Object.values(record)) {
    if (typeof value === "string") characters += value.length;
  }
  if ("metadata" in record) {
    for (const [key, value] of Object.entries(record.metadata)) characters += key.length + value.length;
  }
  return overheadBytes + 2 * characters;
}
