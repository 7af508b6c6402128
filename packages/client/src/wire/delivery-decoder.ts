import { fromBinary } from "@bufbuild/protobuf";
import {
  type Chain,
  ChainSchema,
  type Delivery,
  DeliverySchema,
  type EventBatch,
  type RoutedEvent,
} from "@loom-bridge/protocol/messages";
import { RepeatedText, ToolFrameReader, WireReader } from "@loom-bridge/protocol/wire";

const eventBatchTag = 0x1a;
const maxUint32 = 2 ** 32 - 1;

/**
 * Decodes what the bridge says, as protobuf-es does: batches of events, calls of tools and their results by
 * itself, in a fraction of the time, all else and what is invalid or unusual by protobuf-es. The events' bytes are views of the message's.
 */
export class DeliveryDecoder {
  readonly #tools = new ToolFrameReader();
  readonly #topic = new RepeatedText();
  readonly #sender = new RepeatedText();
  readonly #key = new RepeatedText();

  /** @throws Error when the bytes are no Delivery */
  decode(bytes: Uint8Array): Delivery {
    const delivery = bytes[0] === eventBatchTag ? this.#readBatch(bytes) : this.#tools.read(bytes);
    if (delivery === undefined) return fromBinary(DeliverySchema, bytes);
    return { $typeName: "loom.bridge.v1.Delivery", delivery };
  }

  #readBatch(message: Uint8Array): { case: "eventBatch"; value: EventBatch } | undefined {
    const reader = new WireReader(message, 1);
    if (reader.block() !== message.length) return undefined;
    reader.at = reader.blockStart;
    let subscription = 0;
    let firstSequence = 0;
    let attempt = 0;
    const events: RoutedEvent[] = [];
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
          const event = reader.block() < 0 ? undefined : this.#readEvent(message, reader);
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
    const value: EventBatch = {
      $typeName: "loom.bridge.v1.EventBatch",
      subscription,
      firstSequence: BigInt(firstSequence),
      events,
      attempt,
    };
    return { case: "eventBatch", value };
  }

  /** Reads the event in the last block. */
  #readEvent(message: Uint8Array, { bytes, blockStart, at }: WireReader): RoutedEvent | undefined {
    const reader = new WireReader(bytes, blockStart, at);
    const event: RoutedEvent = {
      $typeName: "loom.bridge.v1.RoutedEvent",
      topic: "",
      event: noBytes,
      sender: "",
      offset: 0n,
      publishedMs: 0n,
      key: "",
    };
    while (reader.at < reader.end) {
      const tag = bytes[reader.at++];
      switch (tag) {
        case 0x0a:
        case 0x1a:
        case 0x32: {
          const field = tag === 0x0a ? "topic" : tag === 0x1a ? "sender" : "key";
          const text = reader.text(tag === 0x0a ? this.#topic : tag === 0x1a ? this.#sender : this.#key);
          if (text === undefined) return undefined;
          event[field] = text;
          break;
        }
        case 0x12:
          if (reader.block() < 0) return undefined;
          event.event = message.subarray(reader.blockStart, reader.at);
          break;
        case 0x20:
        case 0x28: {
          const value = reader.varint();
          if (value < 0) return undefined;
          if (tag === 0x20) event.offset = BigInt(value);
          else event.publishedMs = BigInt(value);
          break;
        }
        case 0x3a:
          // Two of them would be one.
          if (reader.block() < 0 || event.chain !== undefined) return undefined;
          event.chain = readChain(message.subarray(reader.blockStart, reader.at));
          if (event.chain === undefined) return undefined;
          break;
        default:
          return undefined;
      }
    }
    return event;
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

const noBytes: Uint8Array<ArrayBuffer> = new Uint8Array();
