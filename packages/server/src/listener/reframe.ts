import { Code, ConnectError } from "@connectrpc/connect";

export interface Reframer {
  /**
   * Takes the next bytes and returns those that are worth passing on, if any.
   * @throws ConnectError `resource_exhausted` when a message is announced that is too large. Messages that came before
   * it are returned first.
   */
  push(chunk: Uint8Array): Uint8Array | undefined;
  /** Returns what is held when no more bytes come. */
  flush(): Uint8Array | undefined;
}

const prefixBytes = 5;
/** Pieces of a large message are passed on at this size. */
const pieceBytes = 16_384;

/**
 * Joins small chunks before Connect sees them: a piece holds the end of a message or at least 16 KiB. Connect adds up
 * the chunks it holds whenever one arrives, so a message in tiny chunks would cost the square of their number. Here a
 * byte is copied three times at most, and less than 16 KiB is held.
 *
 * With `enveloped`, bytes are messages with a prefix of flags and length, whose length is checked as soon as it is
 * there. https://connectrpc.com/docs/protocol/#streaming-request
 */
export function createReframer({ enveloped, maxBytes }: { enveloped: boolean; maxBytes: number }): Reframer {
  let held = new Uint8Array(0);
  let heldBytes = 0;
  let prefixRead = 0;
  let messageBytes = 0;
  let missingBytes = 0;

  const tooLarge = (): boolean => messageBytes > maxBytes && prefixRead === prefixBytes;

  function refusal(): ConnectError {
    const message = `a message of ${messageBytes} bytes is larger than readMaxBytes, ${maxBytes}`;
    return new ConnectError(message, Code.ResourceExhausted);
  }

  /** Follows the messages through a chunk; returns where the last complete one ends, or -1. */
  function lastEnd(chunk: Uint8Array): number {
    let end = -1;
    let at = 0;
    while (at < chunk.length) {
      if (prefixRead < prefixBytes) {
        if (prefixRead > 0) messageBytes = messageBytes * 256 + (chunk[at] ?? 0);
        prefixRead += 1;
        at += 1;
        if (prefixRead < prefixBytes) continue;
        if (tooLarge()) return end;
        missingBytes = messageBytes;
      }
      const step = Math.min(missingBytes, chunk.length - at);
      missingBytes -= step;
      at += step;
      if (missingBytes === 0) {
        end = at;
        prefixRead = 0;
        messageBytes = 0;
      }
    }
    return end;
  }

  function hold(chunk: Uint8Array): void {
    const needed = heldBytes + chunk.length;
    if (needed > held.length) {
      const larger = new Uint8Array(Math.max(256, needed * 2));
      larger.set(held.subarray(0, heldBytes));
      held = larger;
    }
    held.set(chunk, heldBytes);
    heldBytes = needed;
  }

  function release(chunk: Uint8Array): Uint8Array {
    if (heldBytes === 0) return chunk;
    hold(chunk);
    const piece = held.subarray(0, heldBytes);
    held = new Uint8Array(0);
    heldBytes = 0;
    return piece;
  }

  return {
    push(chunk) {
      if (tooLarge()) throw refusal();
      const end = enveloped ? lastEnd(chunk) : -1;
      if (tooLarge()) {
        if (end < 0) throw refusal();
        return release(chunk.subarray(0, end));
      }
      if (end >= 0 || heldBytes + chunk.length >= pieceBytes) return release(chunk);
      hold(chunk);
      return undefined;
    },
    flush() {
      if (tooLarge()) throw refusal();
      return heldBytes === 0 ? undefined : release(new Uint8Array(0));
    },
  };
}
