import { fromBinary } from "@bufbuild/protobuf";
import { EventSchema } from "@loom-bridge/protocol/messages";
import { RepeatedText, readText, type WireReader } from "@loom-bridge/protocol/wire";
import { copyBytes, type EventBytes } from "./event-bytes.ts";
import { type EventFields, noTags } from "./event-fields.ts";
import { MetadataDecoder, noMetadata } from "./metadata-decoder.ts";

const noBytes: Uint8Array<ArrayBuffer> = new Uint8Array();

/**
 * Decodes events as protobuf-es does, in a third of its time. What is invalid or written in an unusual way is left to
 * protobuf-es. The payload is a copy.
 */
export class EventDecoder {
  readonly #type = new RepeatedText();
  readonly #source = new RepeatedText();
  readonly #metadata = new MetadataDecoder();

  /** @throws Error when the bytes are no event */
  decode(source: EventBytes, start: number, end: number): EventFields {
    const { reader } = source;
    reader.at = start;
    reader.end = end;
    const event = this.#read(reader, source);
    if (event !== undefined) return event;
    const message = fromBinary(EventSchema, reader.bytes.subarray(start, end));
    return { ...message, payload: copyBytes(message.payload) };
  }

  #read(reader: WireReader, bytes: EventBytes): EventFields | undefined {
    let id: string | undefined = "";
    let type: string | undefined = "";
    let source: string | undefined = "";
    let timestampMs = 0;
    let confidence = 0;
    let priority = 0;
    let metadata = noMetadata;
    let payload = noBytes;
    let tags = noTags;
    while (reader.at < reader.end) {
      switch (reader.bytes[reader.at++]) {
        case 0x0a:
          id = readText(reader);
          if (id === undefined) return undefined;
          break;
        case 0x12:
          type = this.#type.read(reader);
          if (type === undefined) return undefined;
          break;
        case 0x18:
          timestampMs = reader.varint();
          if (timestampMs < 0) return undefined;
          break;
        case 0x22:
          source = this.#source.read(reader);
          if (source === undefined) return undefined;
          break;
        case 0x2a: {
          const read = metadata === noMetadata ? this.#metadata.read(reader) : undefined;
          // Two lists of pairs would be one.
          if (read === undefined) return undefined;
          metadata = read;
          break;
        }
        case 0x32:
          if (reader.block() < 0) return undefined;
          payload = bytes.copy(reader.blockStart, reader.at);
          break;
        case 0x3d: {
          const at = reader.at;
          if (!reader.skip(4)) return undefined;
          confidence = reader.view.getFloat32(at, true);
          break;
        }
        case 0x42: {
          const tag = readText(reader);
          if (tag === undefined) return undefined;
          tags = [...tags, tag];
          break;
        }
        case 0x48:
          priority = reader.varint();
          if (priority < 0 || priority > 0x7fff_ffff) return undefined;
          break;
        default:
          return undefined;
      }
    }
    return { id, type, timestampMs, source, metadata, payload, confidence, tags, priority };
  }
}
