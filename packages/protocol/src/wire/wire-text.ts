import { isUtf8 } from "node:buffer";

/** Whether bytes are valid text, as every protobuf string must be. */
export function isText(bytes: Uint8Array, start: number, end: number): boolean {
  return isAscii(bytes, start, end) || isUtf8(bytes.subarray(start, end));
}

/** Reads text, or returns nothing where the bytes are none. */
export function readText(bytes: Buffer, start: number, end: number): string | undefined {
  if (isAscii(bytes, start, end)) return bytes.toString("latin1", start, end);
  return isUtf8(bytes.subarray(start, end)) ? bytes.toString("utf8", start, end) : undefined;
}

/** Whether bytes are this ASCII text. */
export function isSameText(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (text.length !== end - start) return false;
  for (let index = 0; index < text.length; index += 1) {
    if (bytes[start + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

/** Longer texts are read anew each time. */
const maxKnownBytes = 256;

/** Reads texts that are mostly the same, such as topics, without making them anew. */
export class RepeatedText {
  #text = "";
  /** The text, as it came: bytes are compared with bytes in half the time that it takes with characters. */
  #bytes = new Uint8Array();
  #length = 0;

  read(bytes: Buffer, start: number, end: number): string | undefined {
    if (this.#isKnown(bytes, start, end)) return this.#text;
    const text = readText(bytes, start, end);
    const length = end - start;
    if (text === undefined || length > maxKnownBytes) return text;
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(length);
    bytes.copy(this.#bytes, 0, start, end);
    this.#length = length;
    this.#text = text;
    return text;
  }

  #isKnown(bytes: Buffer, start: number, end: number): boolean {
    const known = this.#bytes;
    const length = this.#length;
    if (length !== end - start) return false;
    for (let index = 0; index < length; index += 1) if (bytes[start + index] !== known[index]) return false;
    return true;
  }
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if ((bytes[at] ?? 0) > 0x7f) return false;
  return true;
}
