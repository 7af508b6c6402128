import { agentSegment } from "./agent-segment.ts";

/**
 * The metadata keys in which an event carries its envelope. They are read with and without the prefix, and written
 * with it; trace keys never have one.
 */
export const envelopeKeys = {
  threadId: "loom.thread_id",
  correlationId: "loom.correlation_id",
  sender: "loom.sender",
  replyTo: "loom.reply_to",
  ttlMs: "loom.ttl_ms",
  traceId: "trace_id",
  spanId: "span_id",
  traceFlags: "trace_flags",
} as const;

/** What an event's metadata can say of it, such as its thread or where a reply goes. */
export type EnvelopeField = keyof typeof envelopeKeys;
type Metadata = Readonly<Record<string, string>>;

const prefix = "loom.";
/** Every key that is read, with and without its prefix. */
const fields = new Map(
  (Object.keys(envelopeKeys) as EnvelopeField[]).flatMap((field) => [
    [envelopeKeys[field] as string, field],
    [withoutPrefix(envelopeKeys[field]), field],
  ]),
);

const bareKeys = new Map<string, string>(Object.values(envelopeKeys).map((key) => [key, withoutPrefix(key)]));

/** Reads an envelope key: as written, else without its prefix. Empty values count as absent. */
export function readEnvelopeKey(metadata: Metadata, key: string): string | undefined {
  return own(metadata, key) || own(metadata, bareKeys.get(key) ?? withoutPrefix(key)) || undefined;
}

/** Reads all envelope keys at once, each as `readEnvelopeKey` does. */
export function readEnvelope(metadata: Metadata): Readonly<Partial<Record<EnvelopeField, string>>> {
  const found: Partial<Record<EnvelopeField, string>> = {};
  for (const key in metadata) {
    const field = fields.get(key);
    const value = field === undefined ? undefined : own(metadata, key);
    if (field === undefined || value === undefined || value === "") continue;
    if (found[field] === undefined || key === envelopeKeys[field]) found[field] = value;
  }
  return found;
}

function withoutPrefix(key: string): string {
  return key.startsWith(prefix) ? key.slice(prefix.length) : key;
}

function own(metadata: Metadata, key: string): string | undefined {
  return Object.hasOwn(metadata, key) ? metadata[key] : undefined;
}

/** The topic on which an agent receives the replies to its requests. */
export function repliesTopic(agentId: string): string {
  return `agent.${agentSegment(agentId)}.replies`;
}
