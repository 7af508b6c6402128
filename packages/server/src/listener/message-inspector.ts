import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { DescMessage } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { compressedFlag, messageTooLarge } from "@loom-bridge/protocol/wire";
import { countElements } from "../wire/count-elements.ts";
import { messageLimits } from "../wire/message-limits.ts";
import { measureJson } from "./json-shape.ts";
import type { ListenerLimits } from "./listener-limits.ts";
import type { CollectedMessage } from "./message-collector.ts";
import { manyElements, type Refuse } from "./refusal.ts";

export interface MessageInspectorOptions {
  readonly enveloped: boolean;
  /** Whether messages are JSON text. */
  readonly json: boolean;
  /** Whether messages, where their flags say so if they have any, are packed with gzip. */
  readonly gzip: boolean;
  /** What the messages are. */
  readonly input: DescMessage;
  readonly limits: Pick<ListenerLimits, "readMaxBytes" | "maxCompressionRatio">;
  readonly refuse: Refuse;
}

/** Looks at one message, and returns what is passed on: plain, and worth parsing. Rejects with a ConnectError. */
export type MessageInspector = (message: CollectedMessage) => Uint8Array | Promise<Uint8Array>;

/** However well it was packed, a message that is no larger than this does no harm. */
const alwaysUnpackedBytes = 65_536;

const unpackAsync = promisify(gunzip);

/** Checks messages before Connect parses them: what they unpack to, and what parsing would make of them. */
export function createMessageInspector(options: MessageInspectorOptions): MessageInspector {
  const { enveloped, gzip, limits, refuse } = options;

  function inspect(plain: Uint8Array, flags: number): Uint8Array {
    const elements = options.json ? checkedJson(plain) : countElements(options.input, plain, messageLimits.elements);
    if (elements > messageLimits.elements) {
      throw refuse(manyElements);
    }
    return enveloped ? withPrefix(plain, flags & ~compressedFlag) : plain;
  }

  function checkedJson(text: Uint8Array): number {
    const { depth, values } = measureJson(text);
    if (depth > messageLimits.depth) {
      throw refuse({
        code: "invalid_argument",
        limit: "messageDepth",
        value: messageLimits.depth,
        message: `JSON nests ${depth} levels deep; at most ${messageLimits.depth} are allowed`,
      });
    }
    return values;
  }

  async function unpack(packed: Uint8Array): Promise<Uint8Array> {
    if (packed.length === 0) return packed;
    const ratioBytes = Math.max(alwaysUnpackedBytes, packed.length * limits.maxCompressionRatio);
    try {
      return await unpackAsync(packed, { maxOutputLength: Math.min(limits.readMaxBytes, ratioBytes) });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE") {
        throw new ConnectError("a message is no whole gzip data", Code.InvalidArgument);
      }
      if (limits.readMaxBytes <= ratioBytes)
        throw refuse(messageTooLarge(limits.readMaxBytes + 1, limits.readMaxBytes));
      throw refuse({
        code: "resource_exhausted",
        limit: "maxCompressionRatio",
        value: limits.maxCompressionRatio,
        message: `a message of ${packed.length} bytes unpacks to more than maxCompressionRatio, ${limits.maxCompressionRatio}, times as many`,
      });
    }
  }

  return ({ bytes, flags }) => {
    const isPacked = gzip && (!enveloped || (flags & compressedFlag) !== 0);
    if (isPacked) return unpack(bytes).then((plain) => inspect(plain, flags));
    // What is packed in another way is Connect's to refuse.
    if (enveloped && (flags & compressedFlag) !== 0) return withPrefix(bytes, flags);
    return inspect(bytes, flags);
  };
}

function withPrefix(message: Uint8Array, flags: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(5 + message.length);
  bytes[0] = flags;
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}
