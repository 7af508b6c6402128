import { toBinary } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "@loom-bridge/protocol/messages";
import {
  blockBytes,
  pairBytes,
  textBytes,
  textFieldBytes,
  varintBytes,
  writeText,
  writeVarint,
} from "@loom-bridge/protocol/wire";

// No object: one with the fields of an event in their order would have the same hidden class as events that are made as
// literals elsewhere, and V8 would compile the code that reads it over and over.
const idTag = 0x0a;
const typeTag = 0x12;
const timestampTag = 0x18;
const sourceTag = 0x22;
const metadataTag = 0x2a;
const payloadTag = 0x32;
const confidenceTag = 0x3d;
const tagsTag = 0x42;
const priorityTag = 0x48;
const keyTag = 0x0a;
const valueTag = 0x12;

/**
 * Encodes an event as protobuf-es does, in a quarter of its time. What it does not expect, it leaves to protobuf-es,
 * which is also the one to refuse it.
 * @throws Error for a field that cannot be encoded
 */
export function encodeEvent(event: Event): Uint8Array {
  const bytes = sizeOf(event);
  return bytes === undefined ? toBinary(EventSchema, event) : write(event, Buffer.allocUnsafe(bytes));
}

/** How many bytes an event takes; nothing where protobuf-es is needed. */
function sizeOf(event: Event): number | undefined {
  const { id, type, timestampMs, source, metadata, payload, confidence, priority } = event;
  if (event.$unknown !== undefined || !(payload instanceof Uint8Array)) return undefined;
  if (typeof id !== "string" || typeof type !== "string" || typeof source !== "string") return undefined;
  if (typeof timestampMs !== "bigint" || timestampMs < 0n || timestampMs > Number.MAX_SAFE_INTEGER) return undefined;
  // A negative zero is written, and NaN is nobody's business here.
  if (!(confidence > 0 || Object.is(confidence, 0)) || confidence > 1) return undefined;
  if (!Number.isInteger(priority) || priority < 0 || priority > 100) return undefined;
  let bytes = textFieldBytes(id) + textFieldBytes(type) + textFieldBytes(source);
  if (timestampMs !== 0n) bytes += 1 + varintBytes(Number(timestampMs));
  for (const key in metadata) {
    const value = metadata[key];
    if (typeof value !== "string" || !Object.hasOwn(metadata, key)) return undefined;
    bytes += blockBytes(pairBytes(key, value));
  }
  if (payload.length > 0) bytes += blockBytes(payload.length);
  if (confidence !== 0) bytes += 5;
  for (const tag of event.tags) {
    if (typeof tag !== "string") return undefined;
    bytes += blockBytes(textBytes(tag));
  }
  if (priority !== 0) bytes += 1 + varintBytes(priority);
  return bytes;
}

function write(event: Event, buffer: Buffer): Uint8Array {
  const { id, type, timestampMs, source, metadata, payload, confidence, priority } = event;
  let at = id === "" ? 0 : writeTextField(buffer, 0, idTag, id);
  if (type !== "") at = writeTextField(buffer, at, typeTag, type);
  if (timestampMs !== 0n) {
    buffer[at] = timestampTag;
    at = writeVarint(buffer, at + 1, Number(timestampMs));
  }
  if (source !== "") at = writeTextField(buffer, at, sourceTag, source);
  for (const key in metadata) {
    const value = metadata[key] ?? "";
    buffer[at] = metadataTag;
    at = writeVarint(buffer, at + 1, pairBytes(key, value));
    at = writeTextField(buffer, at, keyTag, key);
    at = writeTextField(buffer, at, valueTag, value);
  }
  if (payload.length > 0) {
    buffer[at] = payloadTag;
    at = writeVarint(buffer, at + 1, payload.length);
    buffer.set(payload, at);
    at += payload.length;
  }
  if (confidence !== 0) {
    buffer[at] = confidenceTag;
    at = buffer.writeFloatLE(confidence, at + 1);
  }
  for (const tag of event.tags) at = writeTextField(buffer, at, tagsTag, tag);
  if (priority !== 0) {
    buffer[at] = priorityTag;
    writeVarint(buffer, at + 1, priority);
  }
  return buffer;
}

function writeTextField(buffer: Buffer, start: number, tag: number, text: string): number {
  const bytes = textBytes(text);
  buffer[start] = tag;
  return writeText(buffer, writeVarint(buffer, start + 1, bytes), text, bytes);
}
