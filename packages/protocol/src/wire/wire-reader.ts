/**
 * Reads protobuf's wire format in place, for the few messages that pass by the thousand. It is no judge: whatever it
 * does not expect makes it return -1, and the whole message goes to the real parser.
 * https://protobuf.dev/programming-guides/encoding/
 */
export class WireReader {
  readonly bytes: Buffer;
  at: number;
  end: number;
  #view: DataView | undefined;

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.bytes = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    this.end = end;
  }

  /** The same bytes, to read several at once. */
  get view(): DataView {
    return (this.#view ??= viewOf(this.bytes));
  }

  /** A number of at most 53 bits, or -1. */
  varint(): number {
    const { bytes, end } = this;
    const first = this.at < end ? (bytes[this.at] ?? 0) : 0x80;
    if (first < 0x80) {
      this.at += 1;
      return first;
    }
    let value = 0;
    let scale = 1;
    for (let at = this.at; at < end && scale <= 2 ** 49; at += 1) {
      const byte = bytes[at] ?? 0;
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) {
        this.at = at + 1;
        return value <= Number.MAX_SAFE_INTEGER ? value : -1;
      }
    }
    return -1;
  }

  /** Reads a length and passes over as many bytes; returns where they end, or -1. They begin at `end - length`. */
  block(): number {
    const length = this.varint();
    this.blockStart = this.at;
    if (length < 0 || length > this.end - this.at) return -1;
    this.at += length;
    return this.at;
  }

  /** Where the last block begins. */
  blockStart = 0;

  /** Goes into the block that comes next; returns where what is around it ends, for `end` after it, or -1. */
  enter(): number {
    const outerEnd = this.end;
    if (this.block() < 0) return -1;
    this.end = this.at;
    this.at = this.blockStart;
    return outerEnd;
  }

  /** Passes over bytes; returns whether there are as many. */
  skip(count: number): boolean {
    this.at += count;
    return this.at <= this.end;
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
