import type { Receipt, ReceiptBatch } from "@loom-bridge/protocol/messages";
import { WireReader } from "@loom-bridge/protocol/wire";

const receiptsTag = 0x0a;
const maxUint32 = 2 ** 32 - 1;

/**
 * Reads the message of a Delivery that is a ReceiptBatch as protobuf-es does, in a fraction of its time. Returns nothing
 * for one that says what went wrong, or is invalid or written in an unusual way: that is for protobuf-es.
 */
export function readReceipts(message: Uint8Array): { case: "receiptBatch"; value: ReceiptBatch } | undefined {
  const reader = new WireReader(message, 1);
  if (reader.block() !== message.length) return undefined;
  reader.at = reader.blockStart;
  const receipts: Receipt[] = [];
  while (reader.at < message.length) {
    if (reader.bytes[reader.at++] !== receiptsTag || reader.block() < 0) return undefined;
    const { at: end } = reader;
    reader.at = reader.blockStart;
    reader.end = end;
    const receipt = readReceipt(reader);
    if (receipt === undefined) return undefined;
    receipts.push(receipt);
    reader.end = message.length;
  }
  return { case: "receiptBatch", value: { $typeName: "loom.bridge.v1.ReceiptBatch", receipts } };
}

function readReceipt(reader: WireReader): Receipt | undefined {
  let ref = 0;
  let count = 0;
  let matched = 0;
  let queued = 0;
  let dropped = 0;
  let duplicate = 0;
  let offset = 0;
  while (reader.at < reader.end) {
    const tag = reader.bytes[reader.at++];
    const value = reader.varint();
    if (value < 0) return undefined;
    if (tag === 0x08) ref = value;
    else if (tag === 0x48) offset = value;
    else if (value > maxUint32) return undefined;
    else if (tag === 0x10) count = value;
    else if (tag === 0x18) matched = value;
    else if (tag === 0x20) queued = value;
    else if (tag === 0x28) dropped = value;
    else if (tag === 0x38) duplicate = value;
    else return undefined;
  }
  return {
    $typeName: "loom.bridge.v1.Receipt",
    ref: BigInt(ref),
    count,
    matched,
    queued,
    dropped,
    duplicate: duplicate !== 0,
    drops: [],
    offset: BigInt(offset),
  };
}
