import { LoomError, limits } from "@loom-bridge/protocol";
import { textBytes } from "@loom-bridge/protocol/wire";
import type { EventInit } from "./event-init.ts";

/** @throws LoomError `invalid_argument` or, for a size, `resource_exhausted`; it names the field, limit and value. */
export function checkEvent(init: EventInit): void {
  if (typeof init.type !== "string" || init.type === "") throw invalid("type", "is empty; say what happened");
  checkRange("confidence", init.confidence, 0, 1);
  checkRange("priority", init.priority, 0, 100);
  checkRange("timestampMs", init.timestampMs, 0, Number.MAX_SAFE_INTEGER);
  if (init.priority !== undefined && !Number.isInteger(init.priority)) {
    throw invalid("priority", `is ${init.priority}; it must be a whole number`);
  }
  if (init.ttlMs !== undefined && (!Number.isInteger(init.ttlMs) || init.ttlMs < 0)) {
    throw invalid("ttlMs", `is ${init.ttlMs}; it must be a whole number of milliseconds`);
  }
  if (init.metadata !== undefined) checkMetadata(init.metadata);
}

function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  const keys = Object.keys(metadata);
  if (keys.length > limits.metadataPairs) {
    throw exhausted("metadata", `has ${keys.length} pairs; at most ${limits.metadataPairs} are allowed`);
  }
  for (const key of keys) {
    const value = metadata[key];
    const keyBytes = isShort(key, limits.metadataKeyBytes) ? 0 : textBytes(key);
    if (keyBytes > limits.metadataKeyBytes) {
      throw exhausted("metadata", `has a key of ${keyBytes} bytes; at most ${limits.metadataKeyBytes} are allowed`);
    }
    if (typeof value !== "string") throw invalid("metadata", `has no string under ${JSON.stringify(key)}`);
    const valueBytes = isShort(value, limits.metadataValueBytes) ? 0 : textBytes(value);
    if (valueBytes > limits.metadataValueBytes) {
      throw exhausted(
        "metadata",
        `has ${valueBytes} bytes under ${JSON.stringify(key)}; at most ${limits.metadataValueBytes} are allowed`,
      );
    }
  }
}

/** Whether a text needs no counting: no character takes more than three bytes. */
function isShort(text: string, maxBytes: number): boolean {
  return 3 * text.length <= maxBytes;
}

function checkRange(field: string, value: number | undefined, least: number, most: number): void {
  // Written so that NaN is refused too.
  if (value === undefined || (value >= least && value <= most)) return;
  throw invalid(field, `is ${value}; it must be from ${least} to ${most}`);
}

function invalid(field: string, problem: string): LoomError {
  return new LoomError("invalid_argument", `${field} of an event ${problem}`, { details: { field } });
}

function exhausted(field: string, problem: string): LoomError {
  return new LoomError("resource_exhausted", `${field} of an event ${problem}`, { details: { field } });
}
