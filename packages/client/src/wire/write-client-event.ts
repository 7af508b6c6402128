import { create, toBinary } from "@bufbuild/protobuf";
import {
  type ClientEvent,
  ClientEventSchema,
  type PublishBatch,
  type PublishItem,
  PublishItemSchema,
} from "@loom-bridge/protocol/messages";
import {
  blockBytes,
  type EnvelopeWriter,
  textFieldBytes,
  varintBytes,
  writeToolFrame,
} from "@loom-bridge/protocol/wire";

const publishBatchTag = 0x22;
const batchTags = { firstRef: 0x08, items: 0x12 } as const;
const itemTags = { topic: 0x0a, event: 0x12, id: 0x1a, type: 0x22, key: 0x2a } as const;
const noTail = new Uint8Array();

/**
 * Writes what a client says, as protobuf-es would: batches of publishes, calls of tools and their results by
 * itself, all else by protobuf-es.
 * @throws Error for a message that cannot be encoded, LoomError `resource_exhausted` for one that is too large; nothing
 *   was written then
 */
export function writeClientEvent(writer: EnvelopeWriter, message: ClientEvent): void {
  const { event, $unknown } = message;
  if (event.case === "publishBatch" && isPlain(event.value) && $unknown === undefined) {
    return writeBatch(writer, event.value);
  }
  const isTool = event.case === "toolRequest" || event.case === "toolResponse";
  if (isTool && $unknown === undefined && writeToolFrame(writer, event)) return;
  const bytes = toBinary(ClientEventSchema, message);
  writer.begin(bytes.length);
  writer.bytes(bytes);
}

/** Whether every field is what its type says; authors who bring a message of their own may not use TypeScript. */
function isPlain({ firstRef, items, $unknown }: PublishBatch): boolean {
  if ($unknown !== undefined || firstRef < 0n || firstRef > Number.MAX_SAFE_INTEGER) return false;
  return items.every(
    (item) =>
      item.$unknown === undefined &&
      typeof item.topic === "string" &&
      typeof item.id === "string" &&
      typeof item.type === "string" &&
      typeof item.key === "string" &&
      item.event instanceof Uint8Array,
  );
}

function writeBatch(writer: EnvelopeWriter, { firstRef, items }: PublishBatch): void {
  const ref = Number(firstRef);
  const tails = items.map(encodeTail);
  const sizes = items.map((item, index) => itemBytes(item) + (tails[index] ?? noTail).length);
  let batchBytes = ref === 0 ? 0 : 1 + varintBytes(ref);
  for (const size of sizes) batchBytes += blockBytes(size);
  writer.begin(blockBytes(batchBytes));
  writer.byte(publishBatchTag);
  writer.varint(batchBytes);
  if (ref !== 0) {
    writer.byte(batchTags.firstRef);
    writer.varint(ref);
  }
  for (const [index, { topic, event, id, type, key }] of items.entries()) {
    writer.byte(batchTags.items);
    writer.varint(sizes[index] ?? 0);
    writer.text(itemTags.topic, topic);
    if (event.length > 0) {
      writer.byte(itemTags.event);
      writer.varint(event.length);
      writer.bytes(event);
    }
    writer.text(itemTags.id, id);
    writer.text(itemTags.type, type);
    writer.text(itemTags.key, key);
    writer.bytes(tails[index] ?? noTail);
  }
}

/** The chain, which few events have. */
function encodeTail({ chain }: PublishItem): Uint8Array {
  return chain === undefined ? noTail : toBinary(PublishItemSchema, create(PublishItemSchema, { chain }));
}

function itemBytes({ topic, event, id, type, key }: PublishItem): number {
  const eventBytes = event.length === 0 ? 0 : blockBytes(event.length);
  return eventBytes + textFieldBytes(topic) + textFieldBytes(id) + textFieldBytes(type) + textFieldBytes(key);
}
