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

/** Reads texts that are mostly the same, such as topics, without making them anew. */
export class RepeatedText {
  #last = "";

  read(bytes: Buffer, start: number, end: number): string | undefined {
    if (isSameText(bytes, start, end, this.#last)) return this.#last;
    const text = readText(bytes, start, end);
    // Only ASCII can be compared byte by byte.
    if (text !== undefined && text.length === end - start) this.#last = text;
    return text;
  }
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if ((bytes[at] ?? 0) > 0x7f) return false;
  return true;
}
