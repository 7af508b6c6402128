import { create, toBinary } from "@bufbuild/protobuf";
import {
  type Chain,
  type Event,
  EventSchema,
  PublishBatchSchema,
  PublishItemSchema,
} from "@loom-bridge/protocol/messages";
import { closeBlock, writeTextField } from "@loom-bridge/protocol/wire";
import type { EventFields } from "./event-fields.ts";
import type { PublishSlab } from "./publish-slab.ts";
import {
  batchItemTag,
  idTag,
  itemEventTag,
  itemIdTag,
  itemKeyTag,
  itemTopicTag,
  itemTypeTag,
  typeTag,
} from "./publish-tags.ts";
import { writePayload, writeRest, writeSourceAndMetadata, writeTimestamp } from "./write-event.ts";

/** An event and where it goes. */
export interface Publish {
  readonly topic: string;
  readonly event: EventFields;
  readonly key: string;
  readonly chain: Chain | undefined;
}

/** A publish as its batch holds it. It lies among others, which it holds in memory. */
export interface EncodedItem {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** One that was just encoded, and how much of it is the event. */
export interface EncodedPublish extends EncodedItem {
  readonly eventBytes: number;
}

/** A field of text takes at most three bytes for each of its characters, and a tag and a length besides. */
const fieldBytes = 6;
/** What an event takes that has nothing but numbers, and what surrounds it. */
const otherBytes = 96;
const noBytes = new Uint8Array();

/**
 * Encodes a publish as protobuf-es does an item of a PublishBatch, in a fraction of its time. What it does not expect,
 * it leaves to protobuf-es, which is also the one to refuse it.
 * @throws Error for a field that cannot be encoded
 */
export function encodePublish(publish: Publish, slab: PublishSlab): EncodedPublish {
  const bound = boundOf(publish);
  if (bound === undefined) return encodeUnusual(publish);
  const chain = encodeChain(publish.chain);
  slab.reserve(bound + chain.length);
  const { bytes, start } = slab;
  const { topic, event, key } = publish;
  const { id, type } = event;
  // Nearly every item, and every event, has a length of two bytes.
  const itemStart = start + 3;
  const eventAt = topic === "" ? itemStart : writeTextField(bytes, itemStart, itemTopicTag, topic);
  const idAt = eventAt + 3;
  const typeAt = id === "" ? idAt : writeTextField(bytes, idAt, idTag, id);
  const restAt = type === "" ? typeAt : writeTextField(bytes, typeAt, typeTag, type);
  const eventEnd = writeEnd(bytes, restAt, event);
  const eventBytes = eventEnd - idAt;
  let at = eventBytes === 0 ? eventAt : closeBlock(bytes, eventAt, itemEventTag, idAt, eventEnd);
  // The item repeats both, by tags of its own.
  bytes.copyWithin(at, at - eventBytes, at - eventBytes + restAt - idAt);
  if (id !== "") bytes[at] = itemIdTag;
  if (type !== "") bytes[at + typeAt - idAt] = itemTypeTag;
  at += restAt - idAt;
  if (key !== "") at = writeTextField(bytes, at, itemKeyTag, key);
  bytes.set(chain, at);
  const end = closeBlock(bytes, start, batchItemTag, itemStart, at + chain.length);
  slab.keep(end);
  return { bytes, start, end, eventBytes };
}

/** How many bytes a publish takes at most; nothing where protobuf-es is needed. */
export function boundOf({ topic, event, key }: Publish): number | undefined {
  const { id, type, timestampMs, source, metadata, payload, confidence, priority } = event;
  if (!(payload instanceof Uint8Array)) return undefined;
  if (typeof id !== "string" || typeof type !== "string" || typeof source !== "string") return undefined;
  if (typeof topic !== "string" || typeof key !== "string") return undefined;
  if (!(timestampMs >= 0 && timestampMs <= Number.MAX_SAFE_INTEGER)) return undefined;
  // A negative zero is written, and NaN is nobody's business here.
  if (!(confidence > 0 || Object.is(confidence, 0)) || confidence > 1) return undefined;
  if (!Number.isInteger(priority) || priority < 0 || priority > 100) return undefined;
  let bytes = otherBytes + 3 * (2 * id.length + 2 * type.length + source.length + topic.length + key.length);
  for (const name in metadata) {
    const value = metadata[name];
    if (typeof value !== "string" || !Object.hasOwn(metadata, name)) return undefined;
    bytes += 3 * fieldBytes + 3 * (name.length + value.length);
  }
  for (const tag of event.tags) {
    if (typeof tag !== "string") return undefined;
    bytes += fieldBytes + 3 * tag.length;
  }
  return bytes + payload.length;
}

/** Writes what follows id and type. */
function writeEnd(bytes: Buffer, start: number, event: EventFields): number {
  const sourceAt = writeTimestamp(bytes, start, Number(event.timestampMs));
  const payloadAt = writeSourceAndMetadata(bytes, sourceAt, event);
  return writeRest(bytes, writePayload(bytes, payloadAt, event.payload), event);
}

function encodeChain(chain: Chain | undefined): Uint8Array {
  return chain === undefined ? noBytes : toBinary(PublishItemSchema, create(PublishItemSchema, { chain }));
}

function encodeUnusual({ topic, event: fields, key, chain }: Publish): EncodedPublish {
  const timestampMs = BigInt(fields.timestampMs);
  const event = toBinary(EventSchema, { $typeName: "loom.bridge.v1.Event", ...fields, timestampMs } as Event);
  const { id, type } = fields;
  const item = create(PublishItemSchema, { topic, event, id, type, key, ...(chain === undefined ? {} : { chain }) });
  const bytes = Buffer.from(toBinary(PublishBatchSchema, create(PublishBatchSchema, { items: [item] })));
  return { bytes, start: 0, end: bytes.length, eventBytes: event.length };
}
