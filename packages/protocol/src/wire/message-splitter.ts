import { LoomError } from "../loom-error.ts";

/** What a splitter takes, and who gets it. */
export interface MessageSplitterOptions {
  /** The largest message, in bytes. */
  maxBytes: number;
  /** Whether messages may be compressed. Default: no, that is an error. */
  mayBeCompressed?: boolean;
  /** Gets every message. The bytes are the network's: whoever keeps some for long copies them. */
  onMessage: (message: Uint8Array, flags: number) => void;
}

const prefixBytes = 5;
const nothing = Buffer.alloc(0);
/** Of a message's prefix: what follows is compressed. */
export const compressedFlag = 1;

/**
 * Finds the messages in a call's bytes, whose prefixes say how long they are. A message within one chunk is passed on
 * as a view of it; one that is spread over several is gathered in a buffer that grows with what has come, so that an
 * announcement alone costs nothing and tiny chunks cost no more than their bytes.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests
 */
export class MessageSplitter {
  readonly #options: MessageSplitterOptions;
  #held = nothing;
  #heldBytes = 0;
  /** Prefix and message together, once the prefix is there. */
  #wantedBytes = prefixBytes;
  #unread: Uint8Array | undefined;
  #paused = false;

  constructor(options: MessageSplitterOptions) {
    this.#options = options;
  }

  /** Whether bytes of an incomplete message are held. */
  get incomplete(): boolean {
    return this.#heldBytes > 0;
  }

  /** What is held of an incomplete message, its prefix among it. */
  get held(): Uint8Array {
    return this.#held.subarray(0, this.#heldBytes);
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Passes on no message until `resume`, not even one that has come already. */
  pause(): void {
    this.#paused = true;
  }

  /** Passes on what was kept back; returns false if that paused it again. */
  resume(): boolean {
    this.#paused = false;
    const unread = this.#unread;
    this.#unread = undefined;
    if (unread !== undefined) this.push(unread);
    return !this.#paused;
  }

  /**
   * Takes the next bytes.
   * @throws LoomError for a message that is too large, or compressed without a compression to go by.
   */
  push(chunk: Uint8Array): void {
    const { onMessage } = this.#options;
    let at = 0;
    while (at < chunk.length) {
      if (this.#paused) {
        this.#unread = chunk.subarray(at);
        return;
      }
      if (this.#heldBytes === 0 && chunk.length - at >= prefixBytes) {
        const end = at + prefixBytes + this.#readPrefix(chunk, at);
        if (end <= chunk.length) {
          const flags = chunk[at] ?? 0;
          const message = chunk.subarray(at + prefixBytes, end);
          at = end;
          onMessage(message, flags);
          continue;
        }
      }
      at += this.#hold(chunk, at);
      if (this.#heldBytes === prefixBytes && this.#wantedBytes === prefixBytes) {
        this.#wantedBytes += this.#readPrefix(this.#held, 0);
      }
      if (this.#heldBytes === this.#wantedBytes) onMessage(...this.#release());
    }
  }

  #readPrefix(bytes: Uint8Array, at: number): number {
    const low = ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0);
    const length = (bytes[at + 1] ?? 0) * 2 ** 24 + low;
    if (this.#options.mayBeCompressed !== true && ((bytes[at] ?? 0) & compressedFlag) !== 0) {
      throw new LoomError("internal", "received compressed envelope, but do not know how to decompress");
    }
    const { maxBytes } = this.#options;
    if (length > maxBytes) throw messageTooLarge(length, maxBytes);
    return length;
  }

  /** Keeps what belongs to the message in hand; returns how many bytes that were. */
  #hold(chunk: Uint8Array, at: number): number {
    const step = Math.min(this.#wantedBytes - this.#heldBytes, chunk.length - at);
    const needed = this.#heldBytes + step;
    if (needed > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(256, Math.min(needed * 4, this.#wantedBytes)));
      larger.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = larger;
    }
    this.#held.set(chunk.subarray(at, at + step), this.#heldBytes);
    this.#heldBytes = needed;
    return step;
  }

  #release(): [message: Uint8Array, flags: number] {
    const message = this.#held.subarray(prefixBytes, this.#heldBytes);
    const flags = this.#held[0] ?? 0;
    this.#held = nothing;
    this.#heldBytes = 0;
    this.#wantedBytes = prefixBytes;
    return [message, flags];
  }
}

/** What is said of a message that is larger than is taken. */
export function messageTooLarge(bytes: number, maxBytes: number): LoomError {
  return new LoomError("resource_exhausted", `a message of ${bytes} bytes is larger than readMaxBytes, ${maxBytes}`, {
    details: { limit: "readMaxBytes", value: String(maxBytes) },
  });
}
