import { toBinary } from "@bufbuild/protobuf";
import { type ClientEvent, ClientEventSchema, type EventAck } from "@loom-bridge/protocol/messages";
import { blockBytes, type EnvelopeWriter, varintBytes, writeToolFrame } from "@loom-bridge/protocol/wire";
import type { EncodedItem } from "./encode-publish.ts";
import { EncodedPublishBatch } from "./encoded-publish-batch.ts";
import { writeSettle } from "./write-settle.ts";

const publishBatchTag = 0x22;
const firstRefTag = 0x08;
const eventAckTag = 0x5a;
const subscriptionTag = 0x08;
const sequenceTag = 0x10;
const maxUint32 = 2 ** 32 - 1;

/**
 * Writes what a client says, as protobuf-es would: batches of encoded publishes, acknowledgements, settlements, calls of
 * tools and their results by itself, all else by protobuf-es.
 * @throws Error for a message that cannot be encoded, LoomError `resource_exhausted` for one that is too large; nothing
 *   was written then
 */
export function writeClientEvent(writer: EnvelopeWriter, message: ClientEvent): void {
  const { event, $unknown } = message;
  const items = event.case === "publishBatch" ? EncodedPublishBatch.itemsOf(event.value) : undefined;
  if (event.case === "publishBatch" && items !== undefined && $unknown === undefined) {
    return writeBatch(writer, Number(event.value.firstRef), items);
  }
  if (event.case === "eventAck" && $unknown === undefined && writeAck(writer, event.value)) return;
  if (event.case === "eventSettle" && $unknown === undefined && writeSettle(writer, event.value)) return;
  const isTool = event.case === "toolRequest" || event.case === "toolResponse";
  if (isTool && $unknown === undefined && writeToolFrame(writer, event)) return;
  const bytes = toBinary(ClientEventSchema, message);
  writer.begin(bytes.length);
  writer.bytes(bytes);
}

/** Returns whether it was written: one that is unusual is not. */
function writeAck(writer: EnvelopeWriter, { subscription, sequence, $unknown }: EventAck): boolean {
  const last = Number(sequence);
  const isUsual = subscription > 0 && subscription <= maxUint32 && last > 0 && last <= Number.MAX_SAFE_INTEGER;
  if (!isUsual || !Number.isInteger(subscription) || $unknown !== undefined) return false;
  const bytes = 2 + varintBytes(subscription) + varintBytes(last);
  writer.begin(blockBytes(bytes));
  writer.byte(eventAckTag);
  writer.varint(bytes);
  writer.byte(subscriptionTag);
  writer.varint(subscription);
  writer.byte(sequenceTag);
  writer.varint(last);
  return true;
}

function writeBatch(writer: EnvelopeWriter, firstRef: number, items: readonly EncodedItem[]): void {
  let batchBytes = firstRef === 0 ? 0 : 1 + varintBytes(firstRef);
  for (const { start, end } of items) batchBytes += end - start;
  writer.begin(blockBytes(batchBytes));
  writer.byte(publishBatchTag);
  writer.varint(batchBytes);
  if (firstRef !== 0) {
    writer.byte(firstRefTag);
    writer.varint(firstRef);
  }
  let from = 0;
  // By index: an iterator of entries makes two objects for each.
  for (let index = 0; index < items.length; index += 1) {
    const { bytes, end } = items[index] as EncodedItem;
    const next = items[index + 1];
    // Neighbours are copied together.
    if (next?.bytes === bytes && next.start === end) continue;
    writer.bytes(bytes.subarray(items[from]?.start, end));
    from = index + 1;
  }
}
