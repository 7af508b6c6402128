import { blockBytes, varintBytes, writeTextField, writeVarint } from "@loom-bridge/protocol/wire";
import { boundOf, type EncodedPublish, type Publish } from "./encode-publish.ts";
import type { PublishSlab } from "./publish-slab.ts";
import {
  batchItemTag,
  idTag,
  itemEventTag,
  itemIdTag,
  itemKeyTag,
  itemTopicTag,
  itemTypeTag,
  timestampTag,
  typeTag,
} from "./publish-tags.ts";
import { writePayload, writeRest, writeSourceAndMetadata } from "./write-event.ts";

/** All times from 1971 to 2109 take six bytes. */
const timestampBytes = 6;
const minTimestampMs = 2 ** 35;
const maxTimestampMs = 2 ** 42 - 1;
/** So many characters take at most as many bytes as a length of one byte can say. */
const maxIdCharacters = Math.floor(0x7f / 3);
const maxBytes = 4096;
/** What tags, lengths and both ids may take of a publish. */
const otherBytes = 32 + 2 * 0x7f;

/** Encodes publishes that differ in id, time and payload alone: what they share is written once, and then copied. */
export class PublishTemplate {
  readonly #topic: Buffer;
  /** What an event has between id and payload, and where its time is in there. */
  readonly #middle: Buffer;
  readonly #timestampAt: number;
  /** What an event has after its payload. */
  readonly #rest: Buffer;
  /** What an item has after its id. */
  readonly #end: Buffer;
  readonly #bytes: number;

  private constructor({ topic, event, key }: Publish, mostBytes: number) {
    const { type } = event;
    const scratch = Buffer.allocUnsafeSlow(mostBytes);
    const writeText = (start: number, tag: number, text: string): number =>
      text === "" ? start : writeTextField(scratch, start, tag, text);
    const written = (end: number): Buffer => Buffer.from(scratch.subarray(0, end));
    this.#topic = written(writeText(0, itemTopicTag, topic));
    const timestampTagAt = writeText(0, typeTag, type);
    scratch[timestampTagAt] = timestampTag;
    this.#timestampAt = timestampTagAt + 1;
    this.#middle = written(writeSourceAndMetadata(scratch, this.#timestampAt + timestampBytes, event));
    this.#rest = written(writeRest(scratch, 0, event));
    this.#end = written(writeText(writeText(0, itemTypeTag, type), itemKeyTag, key));
    this.#bytes = otherBytes + this.#topic.length + this.#middle.length + this.#rest.length + this.#end.length;
  }

  /** Returns nothing for a publish that is unusual, or too large to be remembered. */
  static of(publish: Publish): PublishTemplate | undefined {
    const bound = boundOf(publish);
    const isUsual = bound !== undefined && publish.chain === undefined;
    return isUsual && bound - publish.event.payload.length <= maxBytes
      ? new PublishTemplate(publish, bound)
      : undefined;
  }

  /** Returns nothing for an id or a time that is unusual. */
  encode(slab: PublishSlab, id: string, timestampMs: number, payload: Uint8Array): EncodedPublish | undefined {
    const hasTime = timestampMs >= minTimestampMs && timestampMs <= maxTimestampMs;
    if (!hasTime || typeof id !== "string" || id === "" || id.length > maxIdCharacters) return undefined;
    slab.reserve(this.#bytes + payload.length);
    const { bytes, start } = slab;
    // Nearly every item, and every event, has a length of two bytes. How many an id takes is known when it is written.
    const likelyIdAt = start + 8 + this.#topic.length;
    const idBytes = bytes.write(id, likelyIdAt);
    const payloadBytes = payload.length === 0 ? 0 : blockBytes(payload.length);
    const eventBytes = 2 + idBytes + this.#middle.length + payloadBytes + this.#rest.length;
    const itemBytes = this.#topic.length + blockBytes(eventBytes) + 2 + idBytes + this.#end.length;
    const idAt = start + 4 + varintBytes(itemBytes) + this.#topic.length + varintBytes(eventBytes);
    if (idAt !== likelyIdAt) bytes.copyWithin(idAt, likelyIdAt, likelyIdAt + idBytes);
    bytes[start] = batchItemTag;
    let at = writeVarint(bytes, start + 1, itemBytes);
    bytes.set(this.#topic, at);
    at += this.#topic.length;
    bytes[at] = itemEventTag;
    at = writeVarint(bytes, at + 1, eventBytes);
    bytes[at] = idTag;
    bytes[at + 1] = idBytes;
    at += 2 + idBytes;
    bytes.set(this.#middle, at);
    writeVarint(bytes, at + this.#timestampAt, timestampMs);
    at = writePayload(bytes, at + this.#middle.length, payload);
    bytes.set(this.#rest, at);
    at += this.#rest.length;
    bytes[at] = itemIdTag;
    bytes[at + 1] = idBytes;
    bytes.copyWithin(at + 2, idAt, idAt + idBytes);
    at += 2 + idBytes;
    bytes.set(this.#end, at);
    at += this.#end.length;
    slab.keep(at);
    return { bytes, start, end: at, eventBytes };
  }
}
