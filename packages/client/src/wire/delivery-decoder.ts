import { fromBinary } from "@bufbuild/protobuf";
import {
  type Chain,
  ChainSchema,
  type Delivery,
  DeliverySchema,
  type EventBatch,
} from "@loom-bridge/protocol/messages";
import { RepeatedText, ToolFrameReader } from "@loom-bridge/protocol/wire";
import { EncodedBatch, type EncodedEvent } from "./encoded-batch.ts";
import { EventBytes } from "./event-bytes.ts";
import { readReceipts } from "./receipt-reader.ts";

const eventBatchTag = 0x1a;
const receiptBatchTag = 0x22;
const maxUint32 = 2 ** 32 - 1;

/**
 * Decodes what the bridge says, as protobuf-es does: batches of events, receipts, calls of tools and their results
 * by itself, in a fraction of the time, all else and what is invalid or unusual by protobuf-es.
 */
export class DeliveryDecoder {
  readonly #tools = new ToolFrameReader();
  readonly #topic = new RepeatedText();
  readonly #sender = new RepeatedText();
  readonly #key = new RepeatedText();

  /** @throws Error when the bytes are no Delivery */
  decode(bytes: Uint8Array): Delivery {
    const delivery = this.#read(bytes);
    if (delivery === undefined) return fromBinary(DeliverySchema, bytes);
    return { $typeName: "loom.bridge.v1.Delivery", delivery };
  }

  #read(bytes: Uint8Array): Delivery["delivery"] | undefined {
    switch (bytes[0]) {
      case eventBatchTag:
        return this.#readBatch(bytes);
      case receiptBatchTag:
        return readReceipts(bytes);
      default:
        return this.#tools.read(bytes);
    }
  }

  #readBatch(message: Uint8Array): { case: "eventBatch"; value: EventBatch } | undefined {
    const source = new EventBytes(message);
    const { reader } = source;
    reader.at = 1;
    if (reader.block() !== message.length) return undefined;
    reader.at = reader.blockStart;
    let subscription = 0;
    let firstSequence = 0;
    let attempt = 0;
    const events: EncodedEvent[] = [];
    while (reader.at < reader.end) {
      switch (reader.bytes[reader.at++]) {
        case 0x08:
          subscription = reader.varint();
          if (subscription < 0 || subscription > maxUint32) return undefined;
          break;
        case 0x10:
          firstSequence = reader.varint();
          if (firstSequence < 0) return undefined;
          break;
        case 0x1a: {
          const event = reader.block() < 0 ? undefined : this.#readEvent(source);
          if (event === undefined) return undefined;
          events.push(event);
          break;
        }
        case 0x20:
          attempt = reader.varint();
          if (attempt < 0 || attempt > maxUint32) return undefined;
          break;
        default:
          return undefined;
      }
    }
    const value = new EncodedBatch(message, subscription, BigInt(firstSequence), attempt, events);
    return { case: "eventBatch", value };
  }

  /** Reads the event in the last block. */
  #readEvent(source: EventBytes): EncodedEvent | undefined {
    const { reader } = source;
    const { bytes, at: end, end: batchEnd } = reader;
    reader.at = reader.blockStart;
    reader.end = end;
    let start = 0;
    let eventEnd = 0;
    let topic: string | undefined = "";
    let sender: string | undefined = "";
    let key: string | undefined = "";
    let offset = 0;
    let chain: Chain | undefined;
    while (reader.at < end) {
      switch (bytes[reader.at++]) {
        case 0x0a:
          topic = this.#topic.read(reader);
          if (topic === undefined) return undefined;
          break;
        case 0x12:
          if (reader.block() < 0) return undefined;
          start = reader.blockStart;
          eventEnd = reader.at;
          break;
        case 0x1a:
          sender = this.#sender.read(reader);
          if (sender === undefined) return undefined;
          break;
        case 0x20:
          offset = reader.varint();
          if (offset < 0) return undefined;
          break;
        case 0x28:
          if (reader.varint() < 0) return undefined;
          break;
        case 0x32:
          key = this.#key.read(reader);
          if (key === undefined) return undefined;
          break;
        case 0x3a:
          // Two of them would be one.
          if (reader.block() < 0 || chain !== undefined) return undefined;
          chain = readChain(bytes.subarray(reader.blockStart, reader.at));
          if (chain === undefined) return undefined;
          break;
        default:
          return undefined;
      }
    }
    reader.end = batchEnd;
    return { source, start, end: eventEnd, topic, sender, key, offset, chain };
  }
}

/** Nothing where it is damaged: what protobuf-es makes of the message then is for it to say. */
function readChain(bytes: Uint8Array): Chain | undefined {
  try {
    return fromBinary(ChainSchema, bytes);
  } catch {
    return undefined;
  }
}
