import { closeBlock, writeTextField, writeVarint } from "@loom-bridge/protocol/wire";
import type { EventFields } from "./event-fields.ts";
import {
  confidenceTag,
  metadataTag,
  pairKeyTag,
  pairValueTag,
  payloadTag,
  priorityTag,
  sourceTag,
  tagsTag,
  timestampTag,
} from "./publish-tags.ts";

// The fields of an event in their order, but for id and type, which its item repeats.

export function writeTimestamp(buffer: Buffer, start: number, timestampMs: number): number {
  if (timestampMs === 0) return start;
  buffer[start] = timestampTag;
  return writeVarint(buffer, start + 1, timestampMs);
}

export function writeSourceAndMetadata(buffer: Buffer, start: number, { source, metadata }: EventFields): number {
  let at = source === "" ? start : writeTextField(buffer, start, sourceTag, source);
  for (const name in metadata) at = writePair(buffer, at, name, metadata[name] ?? "");
  return at;
}

export function writePayload(buffer: Buffer, start: number, payload: Uint8Array): number {
  if (payload.length === 0) return start;
  buffer[start] = payloadTag;
  const at = writeVarint(buffer, start + 1, payload.length);
  buffer.set(payload, at);
  return at + payload.length;
}

/** Writes what follows the payload. */
export function writeRest(buffer: Buffer, start: number, { confidence, tags, priority }: EventFields): number {
  let at = start;
  if (confidence !== 0) {
    buffer[at] = confidenceTag;
    at = buffer.writeFloatLE(confidence, at + 1);
  }
  for (const tag of tags) at = writeTextField(buffer, at, tagsTag, tag);
  if (priority !== 0) {
    buffer[at] = priorityTag;
    at = writeVarint(buffer, at + 1, priority);
  }
  return at;
}

function writePair(buffer: Buffer, start: number, name: string, value: string): number {
  // Most pairs have a length of one byte.
  const nameAt = start + 2;
  const end = writeTextField(buffer, writeTextField(buffer, nameAt, pairKeyTag, name), pairValueTag, value);
  return closeBlock(buffer, start, metadataTag, nameAt, end);
}
