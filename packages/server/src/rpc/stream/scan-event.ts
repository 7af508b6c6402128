import { envelopeKeys, limits } from "@loom-bridge/protocol";
import { isSameText, isText, readText, WireReader } from "@loom-bridge/protocol/wire";

/** What the bridge needs of an encoded Event. */
export interface ScannedEvent {
  readonly id: string;
  readonly type: string;
  /** What its metadata tell of who sent it: nothing, the truth, or something else. */
  readonly sender: "absent" | "own" | "other";
}

const bareSender = envelopeKeys.sender.slice("loom.".length);

/**
 * Looks over an encoded Event without unpacking it. Returns nothing for one that is invalid, near a limit, or written
 * in an unusual way: the real parser decides then.
 * @param owner who sent it
 */
export function scanEvent(bytes: Uint8Array, start: number, end: number, owner: string): ScannedEvent | undefined {
  const reader = new WireReader(bytes, start, end);
  let id = "";
  let type = "";
  let pairs = 0;
  let sender: ScannedEvent["sender"] = "absent";
  while (reader.at < end) {
    const tag = reader.bytes[reader.at] ?? 0;
    reader.at += 1;
    switch (tag) {
      case 0x18: // timestamp_ms
      case 0x48: // priority
        if (reader.varint() < 0) return undefined;
        break;
      case 0x3d: // confidence
        if (!reader.skip(4)) return undefined;
        break;
      case 0x32: // payload
        if (reader.block() < 0) return undefined;
        break;
      case 0x22: // source
      case 0x42: // tags
        if (reader.block() < 0 || !isText(bytes, reader.blockStart, reader.at)) return undefined;
        break;
      case 0x0a: // id
      case 0x12: {
        // type
        const text = readText(reader);
        if (text === undefined) return undefined;
        if (tag === 0x0a) id = text;
        else type = text;
        break;
      }
      case 0x2a: {
        // metadata
        if (reader.block() < 0) return undefined;
        const named = scanPair(reader.bytes, reader.blockStart, reader.at, owner);
        pairs += 1;
        if (named === undefined || pairs > limits.metadataPairs) return undefined;
        if (named === "unrelated") break;
        // Which of two senders counts is for the real parser to say.
        if (sender !== "absent") return undefined;
        sender = named;
        break;
      }
      default:
        return undefined;
    }
  }
  return { id, type, sender };
}

/** Tells whether a pair of the metadata is the sender, and the right one; nothing where the real parser is needed. */
function scanPair(
  bytes: Uint8Array,
  start: number,
  end: number,
  owner: string,
): "own" | "other" | "unrelated" | undefined {
  const reader = new WireReader(bytes, start, end);
  if (bytes[reader.at++] !== 0x0a || reader.block() < 0) return undefined;
  const keyStart = reader.blockStart;
  const keyEnd = reader.at;
  if (bytes[reader.at++] !== 0x12 || reader.block() !== end) return undefined;
  const valueBytes = end - reader.blockStart;
  if (keyEnd - keyStart > limits.metadataKeyBytes || valueBytes > limits.metadataValueBytes) return undefined;
  if (!isText(bytes, keyStart, keyEnd) || !isText(bytes, reader.blockStart, end)) return undefined;
  const isSender =
    isSameText(bytes, keyStart, keyEnd, envelopeKeys.sender) || isSameText(bytes, keyStart, keyEnd, bareSender);
  if (!isSender) return "unrelated";
  return isSameText(bytes, reader.blockStart, end, owner) ? "own" : "other";
}
