import { Verdict } from "@loom-bridge/protocol/messages";
import { WireReader } from "@loom-bridge/protocol/wire";

const eventSettleTag = 0x62;
const tags = { subscription: 0x08, settlement: 0x12, sequence: 0x08, verdict: 0x10 } as const;
const maxUint32 = 2 ** 32 - 1;
/** A message with more is for protobuf-es, which is not asked before its elements were counted. */
const maxSequences = 4096;

/** Events that an agent is done with, one by one. */
export interface Acknowledged {
  readonly subscription: number;
  readonly sequences: readonly number[];
}

/**
 * Reads settlements that are all acknowledgements, as nearly all are. Returns nothing for every other message, and for
 * one that is invalid or written in an unusual way: that is for protobuf-es.
 */
export function readAcknowledged(message: Uint8Array): Acknowledged | undefined {
  if (message[0] !== eventSettleTag) return undefined;
  const reader = new WireReader(message, 1);
  if (reader.block() !== message.length) return undefined;
  reader.at = reader.blockStart;
  if (reader.bytes[reader.at++] !== tags.subscription) return undefined;
  const subscription = reader.varint();
  if (subscription < 0 || subscription > maxUint32) return undefined;
  const sequences: number[] = [];
  while (reader.at < message.length && sequences.length < maxSequences) {
    const sequence = reader.bytes[reader.at++] === tags.settlement ? readSequence(reader) : -1;
    if (sequence < 0) return undefined;
    sequences.push(sequence);
  }
  return reader.at === message.length ? { subscription, sequences } : undefined;
}

/** Of an acknowledgement, or -1. */
function readSequence(reader: WireReader): number {
  const { bytes } = reader;
  const outerEnd = reader.enter();
  if (outerEnd < 0 || bytes[reader.at++] !== tags.sequence) return -1;
  const sequence = reader.varint();
  const isAcknowledged = bytes[reader.at++] === tags.verdict && bytes[reader.at++] === Verdict.ACKNOWLEDGE;
  if (!isAcknowledged || reader.at !== reader.end) return -1;
  reader.end = outerEnd;
  return sequence;
}
