import { envelopeKeys, limits } from "@loom-bridge/protocol";
import { RepeatedText, readText, WireReader } from "@loom-bridge/protocol/wire";
import type { BusEvent } from "../../domain/bus/bus-event.ts";
import { scanEvent } from "./scan-event.ts";

/** Events of one message, to be published in order. */
export interface DecodedPublish {
  /** The first event's; those of the others follow. 0: no receipts. */
  readonly ref: number;
  readonly events: readonly BusEvent[];
}

/** More than that in one message is for the real parser to judge: an item may be two bytes of it. */
const mostItems = 4096;
/** Items that are copied at once: of them, one that is kept alone for long keeps the others' bytes. */
const runBytes = 16_384;
const publishTag = 0x0a;
const publishBatchTag = 0x22;
/** Field numbers 1 to 4 with a length. */
const fieldTags = { topic: 0x0a, event: 0x12, id: 0x1a, type: 0x22 } as const;
const varintField3 = 0x18;
const varintField1 = 0x08;

/** An event of a message. A class for the reason that LoggedEvent is one. */
class DecodedEvent implements BusEvent {
  readonly topic: string;
  readonly id: string;
  readonly type: string;
  readonly sender: string;
  readonly body: Uint8Array;

  constructor(topic: string, id: string, type: string, sender: string, body: Uint8Array) {
    this.topic = topic;
    this.id = id;
    this.type = type;
    this.sender = sender;
    this.body = body;
  }
}

/** Whether a message may be one for {@link PublishDecoder}. */
export function mayPublish(message: Uint8Array): boolean {
  return message[0] === publishTag || message[0] === publishBatchTag;
}

/**
 * Reads the messages of one agent that publish, without unpacking events. Returns nothing for every other message, and
 * for one that is invalid, near a limit or written in an unusual way: then the real parser decides, so that this one
 * only has to be right about what it takes.
 */
export class PublishDecoder {
  readonly #sender: string;
  /** The sender as an entry of Event.metadata: entries may stand anywhere in a message, so it can be put behind. */
  readonly #senderEntry: Uint8Array;
  readonly #topic = new RepeatedText();
  readonly #type = new RepeatedText();

  constructor(sender: string) {
    this.#sender = sender;
    this.#senderEntry = encodeSenderEntry(sender);
  }

  decode(message: Uint8Array): DecodedPublish | undefined {
    if (!mayPublish(message)) return undefined;
    const reader = new WireReader(message, 1);
    if (reader.block() !== message.length) return undefined;
    reader.at = reader.blockStart;
    return message[0] === publishTag ? this.#publish(reader) : this.#publishBatch(reader);
  }

  #publish(reader: WireReader): DecodedPublish | undefined {
    const { bytes, end } = reader;
    let topic = "";
    let ref = 0;
    let event: BusEvent | undefined;
    while (reader.at < end) {
      const tag = bytes[reader.at++];
      if (tag === varintField3) {
        ref = reader.varint();
        if (ref < 0) return undefined;
        continue;
      }
      if (tag === fieldTags.topic) {
        const text = this.#topic.read(reader);
        if (text === undefined) return undefined;
        topic = text;
        continue;
      }
      if (reader.block() < 0) return undefined;
      if (tag === fieldTags.event && event === undefined) {
        event = this.#stamp(bytes, reader.blockStart, reader.at);
        if (event === undefined) return undefined;
      } else {
        return undefined;
      }
    }
    if (event === undefined) return undefined;
    return { ref, events: [new DecodedEvent(topic, event.id, event.type, event.sender, event.body)] };
  }

  /** Copies an event, and puts its sender behind it where the publisher named none. One that names another is none. */
  #stamp(bytes: Buffer, start: number, end: number): BusEvent | undefined {
    const scanned = scanEvent(bytes, start, end, this.#sender);
    if (scanned === undefined || scanned.sender === "other") return undefined;
    const entry = scanned.sender === "own" ? undefined : this.#senderEntry;
    const body = copy(bytes, start, end, entry);
    if (body.length > limits.eventBytes) return undefined;
    return new DecodedEvent("", scanned.id, scanned.type, this.#sender, body);
  }

  #publishBatch(reader: WireReader): DecodedPublish | undefined {
    const { bytes, end } = reader;
    const events: BusEvent[] = [];
    let ref = 0;
    /** Where items begin that are not read yet. */
    let start = reader.at;
    while (reader.at < end) {
      const fieldStart = reader.at;
      const tag = bytes[reader.at++];
      const isItem = tag === fieldTags.event;
      if (isItem ? reader.block() < 0 : tag !== varintField1) return undefined;
      if (isItem && reader.at - start <= runBytes) continue;
      if (!this.#items(copy(bytes, start, fieldStart), events)) return undefined;
      start = fieldStart;
      if (isItem) continue;
      ref = reader.varint();
      if (ref < 0) return undefined;
      start = reader.at;
    }
    return this.#items(copy(bytes, start, end), events) && ref > 0 ? { ref, events } : undefined;
  }

  /** Reads items, whose events stay views of these bytes. */
  #items(bytes: Buffer, events: BusEvent[]): boolean {
    const reader = new WireReader(bytes);
    while (reader.at < bytes.length) {
      reader.at += 1;
      reader.block();
      const itemEnd = reader.at;
      const event = this.#item(reader, reader.blockStart, itemEnd);
      if (event === undefined) return false;
      events.push(event);
      if (events.length > mostItems) return false;
      reader.at = itemEnd;
      reader.end = bytes.length;
    }
    return true;
  }

  #item(reader: WireReader, start: number, end: number): BusEvent | undefined {
    const { bytes } = reader;
    reader.at = start;
    reader.end = end;
    let topic: string | undefined = "";
    let id: string | undefined = "";
    let type: string | undefined = "";
    let bodyStart = 0;
    let bodyEnd = 0;
    while (reader.at < end) {
      switch (bytes[reader.at++]) {
        case fieldTags.topic:
          topic = this.#topic.read(reader);
          break;
        case fieldTags.event:
          if (reader.block() < 0) return undefined;
          bodyStart = reader.blockStart;
          bodyEnd = reader.at;
          break;
        case fieldTags.id:
          id = readText(reader);
          break;
        case fieldTags.type:
          type = this.#type.read(reader);
          break;
        default:
          return undefined;
      }
      if (topic === undefined || id === undefined || type === undefined) return undefined;
    }
    if (bodyEnd - bodyStart > limits.eventBytes) return undefined;
    return new DecodedEvent(topic, id, type, this.#sender, bytes.subarray(bodyStart, bodyEnd));
  }
}

/**
 * Copies bytes out of the network's buffer, which a queued event would keep alive as a whole. A small copy lies in
 * Node's pool, of which it keeps 8 KiB alive at most.
 */
function copy(bytes: Buffer, start: number, end: number, suffix?: Uint8Array): Buffer {
  const copied = Buffer.allocUnsafe(end - start + (suffix?.length ?? 0));
  bytes.copy(copied, 0, start, end);
  if (suffix !== undefined) copied.set(suffix, end - start);
  return copied;
}

function encodeSenderEntry(sender: string): Uint8Array {
  const key = Buffer.from(envelopeKeys.sender);
  const value = Buffer.from(sender);
  // Agent ids have 128 bytes at most: two bytes for the value's length and for the pair's are enough.
  const valueHead = [0x12, ...varint(value.length)];
  const pairBytes = 2 + key.length + valueHead.length + value.length;
  return Buffer.concat([
    Buffer.from([0x2a, ...varint(pairBytes), 0x0a, key.length]),
    key,
    Buffer.from(valueHead),
    value,
  ]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7];
}
