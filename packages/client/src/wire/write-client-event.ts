import { toBinary } from "@bufbuild/protobuf";
import { type ClientEvent, ClientEventSchema } from "@loom-bridge/protocol/messages";
import { blockBytes, type EnvelopeWriter, varintBytes, writeToolFrame } from "@loom-bridge/protocol/wire";
import { EncodedPublishBatch } from "./encoded-publish-batch.ts";

const publishBatchTag = 0x22;
const firstRefTag = 0x08;
const itemsTag = 0x12;

/**
 * Writes what a client says, as protobuf-es would: batches of encoded publishes, calls of tools and their results by
 * itself, all else by protobuf-es.
 * @throws Error for a message that cannot be encoded, LoomError `resource_exhausted` for one that is too large; nothing
 *   was written then
 */
export function writeClientEvent(writer: EnvelopeWriter, message: ClientEvent): void {
  const { event, $unknown } = message;
  const items = event.case === "publishBatch" ? EncodedPublishBatch.itemsOf(event.value) : undefined;
  if (event.case === "publishBatch" && items !== undefined && $unknown === undefined) {
    return writeBatch(writer, Number(event.value.firstRef), items);
  }
  const isTool = event.case === "toolRequest" || event.case === "toolResponse";
  if (isTool && $unknown === undefined && writeToolFrame(writer, event)) return;
  const bytes = toBinary(ClientEventSchema, message);
  writer.begin(bytes.length);
  writer.bytes(bytes);
}

function writeBatch(writer: EnvelopeWriter, firstRef: number, items: readonly Uint8Array[]): void {
  let batchBytes = firstRef === 0 ? 0 : 1 + varintBytes(firstRef);
  for (const item of items) batchBytes += blockBytes(item.length);
  writer.begin(blockBytes(batchBytes));
  writer.byte(publishBatchTag);
  writer.varint(batchBytes);
  if (firstRef !== 0) {
    writer.byte(firstRefTag);
    writer.varint(firstRef);
  }
  for (const item of items) {
    writer.byte(itemsTag);
    writer.varint(item.length);
    writer.bytes(item);
  }
}
