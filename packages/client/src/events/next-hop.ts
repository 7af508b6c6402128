import { readEnvelopeKey } from "@loom-bridge/protocol";
import { Envelope } from "./envelope.ts";

const hopKey = "loom.hop";
const ttlKey = "loom.ttl";
/** How often an event that does not say may be passed on. */
const defaultTtl = 16;

/**
 * The envelope with which an agent passes an event on, or `undefined` when it has been passed on often enough. It
 * keeps agents that forward to each other from doing so for ever.
 */
export function nextHop(envelope: Envelope): Envelope | undefined {
  const ttl = readCount(envelope, ttlKey, defaultTtl) - 1;
  if (ttl <= 0) return undefined;
  const { hop: _hop, ttl: _ttl, ...metadata } = envelope.metadata;
  const hop = readCount(envelope, hopKey, 0) + 1;
  return Envelope.create({ ...envelope, metadata: { ...metadata, [hopKey]: String(hop), [ttlKey]: String(ttl) } });
}

function readCount(envelope: Envelope, key: string, fallback: number): number {
  const value = readEnvelopeKey(envelope.metadata, key);
  return value !== undefined && /^[0-9]{1,9}$/.test(value) ? Number(value) : fallback;
}
