import { WireReader } from "@loom-bridge/protocol/wire";

/** Payloads are copied together, up to so many bytes at once: who keeps one keeps those, or Node's pool of buffers. */
const copiedBytes = 16_384;
/** A payload of so many bytes is copied alone. */
const largeBytes = 1024;

/** The bytes in which events came, and what reads them. They are the network's, so payloads are copied out of them. */
export class EventBytes {
  readonly reader: WireReader;
  #copy: ArrayBuffer | undefined;
  /** What is copied, and how much further it lies in the copy than here. */
  #copiedFrom = 0;
  #copiedTo = 0;
  #shift = 0;

  constructor(bytes: Uint8Array) {
    this.reader = new WireReader(bytes);
  }

  /** A copy of some of the bytes. An array of its own, with bytes of its own, would cost several times as much. */
  copy(start: number, end: number): Uint8Array<ArrayBuffer> {
    const { bytes } = this.reader;
    if (end - start >= largeBytes) return copyBytes(bytes.subarray(start, end));
    if (this.#copy === undefined || start < this.#copiedFrom || end > this.#copiedTo) {
      const to = Math.min(bytes.length, start + copiedBytes);
      const copy = Buffer.allocUnsafe(to - start);
      bytes.copy(copy, 0, start, to);
      this.#copy = copy.buffer;
      this.#copiedFrom = start;
      this.#copiedTo = to;
      this.#shift = copy.byteOffset - start;
    }
    return new Uint8Array(this.#copy as ArrayBuffer, this.#shift + start, end - start);
  }
}

/** A copy that lies, if it is small, in Node's pool for buffers: an allocation of its own costs ten times as much. */
export function copyBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset } = Buffer.allocUnsafe(bytes.length);
  const copy = new Uint8Array(buffer, byteOffset, bytes.length);
  copy.set(bytes);
  return copy;
}
