import { LoomError } from "@loom-bridge/protocol";
import { MessageSplitter, messageTooLarge } from "@loom-bridge/protocol/wire";
import type { Refuse } from "./refusal.ts";

/** One message of a request, as it came. */
export interface CollectedMessage {
  readonly bytes: Uint8Array;
  /** Those of its prefix; 0 where messages have none. */
  readonly flags: number;
}

/** Gathers the bytes of a request into whole messages. */
export interface MessageCollector {
  /**
   * Takes the next bytes.
   * @throws ConnectError `resource_exhausted` when a message is announced or grows too large. Those before it stay.
   */
  push(chunk: Uint8Array): void;
  /** No more bytes come. */
  end(): void;
  /** Takes the next message, if one is whole. */
  take(): CollectedMessage | undefined;
  /** What is left at the end of a message that did not come whole. */
  readonly rest: Uint8Array;
}

export interface MessageCollectorOptions {
  /** Whether messages have a prefix of flags and length; otherwise the whole request is one. */
  readonly enveloped: boolean;
  readonly maxBytes: number;
  readonly refuse: Refuse;
}

const nothing = new Uint8Array(0);

/**
 * Connect adds up the chunks that it holds whenever one arrives, so that a message in tiny chunks would cost the square
 * of their number. Here a byte is copied three times at most. https://connectrpc.com/docs/protocol/#streaming-request
 */
export function createMessageCollector(options: MessageCollectorOptions): MessageCollector {
  return options.enveloped ? collectEnvelopes(options) : collectWhole(options);
}

function collectEnvelopes({ maxBytes, refuse }: MessageCollectorOptions): MessageCollector {
  const ready: CollectedMessage[] = [];
  const onMessage = (bytes: Uint8Array, flags: number): void => void ready.push({ bytes, flags });
  const splitter = new MessageSplitter({ maxBytes, mayBeCompressed: true, onMessage });
  return {
    push(chunk) {
      try {
        splitter.push(chunk);
      } catch (error) {
        throw LoomError.isInstance(error) ? refuse(error) : error;
      }
    },
    end() {},
    take: () => ready.shift(),
    get rest() {
      return splitter.held;
    },
  };
}

function collectWhole({ maxBytes, refuse }: MessageCollectorOptions): MessageCollector {
  let held = Buffer.alloc(0);
  let heldBytes = 0;
  let whole: CollectedMessage | undefined;
  return {
    push(chunk) {
      const neededBytes = heldBytes + chunk.length;
      if (neededBytes > maxBytes) throw refuse(messageTooLarge(neededBytes, maxBytes));
      if (neededBytes > held.length) {
        const larger = Buffer.allocUnsafe(Math.max(1024, neededBytes * 2));
        held.copy(larger, 0, 0, heldBytes);
        held = larger;
      }
      held.set(chunk, heldBytes);
      heldBytes = neededBytes;
    },
    end() {
      if (heldBytes > 0) whole = { bytes: held.subarray(0, heldBytes), flags: 0 };
      heldBytes = 0;
    },
    take() {
      const taken = whole;
      whole = undefined;
      return taken;
    },
    rest: nothing,
  };
}
