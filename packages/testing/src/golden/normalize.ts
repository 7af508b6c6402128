import { type JsonValue, toJson } from "@bufbuild/protobuf";
import { EventSchema } from "@loom-bridge/protocol/messages";
import type { Frame } from "../network/frame.ts";

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** What differs from run to run and from bridge to bridge, whatever is said. */
const passing = new Set([
  "timestampMs",
  "bridgeTimestampMs",
  "publishedMs",
  "startedMs",
  "sinceMs",
  "epoch",
  "logId",
  "logOffset",
  "offset",
  "version",
  "memoryStore",
]);

/** Puts names in the place of ids and times, so that two recordings of the same talk are the same. */
export function createNormalizer(): (frame: Frame) => JsonValue {
  const names = new Map<string, string>();
  const nameOf = (id: string): string => {
    const name = names.get(id) ?? `id-${names.size + 1}`;
    names.set(id, name);
    return name;
  };
  const walk = (value: JsonValue): JsonValue => {
    if (typeof value === "string") return value.replaceAll(uuid, nameOf);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(walk);
    const entries = Object.entries(value).map(
      ([key, part]) => [key, passing.has(key) ? `<${key}>` : walk(part)] as const,
    );
    return Object.fromEntries(entries) as JsonValue;
  };
  return (frame) => walk(jsonOf(frame));
}

/** A message as JSON, with the events that it carries as bytes in clear. */
function jsonOf(frame: Frame): JsonValue {
  const { message, direction, method } = frame;
  const schema = direction === "up" ? method.input : method.output;
  if (message === undefined || schema === undefined) return { bytes: frame.bytes.length };
  const json = toJson(schema, message) as Record<string, JsonValue>;
  const body = Object.values(json)[0] as { items?: JsonEvent[]; events?: JsonEvent[] } | undefined;
  for (const [index, carried] of (body?.items ?? body?.events ?? []).entries()) {
    const { event } = frame.events[index] ?? {};
    if (event !== undefined) carried.event = toJson(EventSchema, event);
  }
  return json;
}

interface JsonEvent {
  event?: JsonValue;
}
