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

const prefix = "loom.";

/** Reads an envelope key: as written, else without its prefix. Empty values count as absent. */
export function readEnvelopeKey(metadata: Readonly<Record<string, string>>, key: string): string | undefined {
  const bare = key.startsWith(prefix) ? key.slice(prefix.length) : key;
  return own(metadata, key) || own(metadata, bare) || undefined;
}

function own(metadata: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(metadata, key) ? metadata[key] : undefined;
}

/** The topic on which an agent receives the replies to its requests. */
export function repliesTopic(agentId: string): string {
  return `agent.${agentSegment(agentId)}.replies`;
}
