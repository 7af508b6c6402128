import type { Writable } from "node:stream";

const prefixBytes = 5;

/** Writes length-prefixed frames, as gRPC frames them: all of a tick in one write. */
export class FrameWriter {
  readonly #target: Writable;
  #frames: Uint8Array[] = [];

  constructor(target: Writable) {
    this.#target = target;
  }

  write(bytes: Uint8Array): void {
    if (this.#frames.length === 0) setImmediate(() => this.#flush());
    const prefix = Buffer.alloc(prefixBytes);
    prefix.writeUInt32BE(bytes.byteLength, 1);
    this.#frames.push(prefix, bytes);
  }

  #flush(): void {
    const frames = this.#frames;
    this.#frames = [];
    if (this.#target.writable) this.#target.write(Buffer.concat(frames));
  }
}

/** Returns a function that takes chunks and tells the frames in them. */
export function createFrameReader(onFrame: (bytes: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.byteLength === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    while (bytes.byteLength - start >= prefixBytes) {
      const end = start + prefixBytes + bytes.readUInt32BE(start + 1);
      if (end > bytes.byteLength) break;
      onFrame(bytes.subarray(start + prefixBytes, end));
      start = end;
    }
    rest = bytes.subarray(start);
  };
}
