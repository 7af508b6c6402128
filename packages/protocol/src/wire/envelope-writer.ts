import { LoomError } from "../loom-error.ts";
import { writeTextField, writeVarint } from "./write-field.ts";

const nothing = Buffer.alloc(0);

/**
 * Writes messages one behind the other, each with its prefix of flags and length, for one write to the network.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests
 */
export class EnvelopeWriter {
  readonly #maxMessageBytes: number;
  #buffer = nothing;
  #at = 0;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  get length(): number {
    return this.#at;
  }

  /**
   * Begins a message of this many bytes, which must follow.
   * @throws LoomError `resource_exhausted` when that is too large.
   */
  begin(messageBytes: number): void {
    if (messageBytes > this.#maxMessageBytes) {
      const message = `message size ${messageBytes} is larger than configured writeMaxBytes ${this.#maxMessageBytes}`;
      throw new LoomError("resource_exhausted", message);
    }
    this.#reserve(5 + messageBytes);
    this.#buffer[this.#at] = 0;
    this.#buffer.writeUInt32BE(messageBytes, this.#at + 1);
    this.#at += 5;
  }

  byte(value: number): void {
    this.#buffer[this.#at++] = value;
  }

  varint(value: number): void {
    this.#at = writeVarint(this.#buffer, this.#at, value);
  }

  /** A field of text; one that is empty is left out, as protobuf does. */
  text(tag: number, value: string): void {
    if (value !== "") this.#at = writeTextField(this.#buffer, this.#at, tag, value);
  }

  bytes(value: Uint8Array): void {
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  /** Returns what was written and begins anew: the network may hold the bytes for long. */
  take(): Uint8Array {
    const taken = this.#buffer.subarray(0, this.#at);
    this.#buffer = nothing;
    this.#at = 0;
    return taken;
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(this.#at === 0 ? needed : needed * 2);
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}
