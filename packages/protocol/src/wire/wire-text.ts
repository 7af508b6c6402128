import { isUtf8 } from "node:buffer";
import { KnownBytes } from "./known-bytes.ts";
import type { WireReader } from "./wire-reader.ts";

/** Whether bytes are valid text, as every protobuf string must be. */
export function isText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if ((bytes[at] ?? 0) > 0x7f) return isUtf8(bytes.subarray(at, end));
  return true;
}

/** Reads a length and as much text, or returns nothing where there is none. */
export function readText(reader: WireReader): string | undefined {
  if (reader.block() < 0) return undefined;
  const { bytes, blockStart, at } = reader;
  if (isAscii(reader.view, blockStart, at)) return bytes.toString("latin1", blockStart, at);
  return isUtf8(bytes.subarray(blockStart, at)) ? bytes.toString("utf8", blockStart, at) : undefined;
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
  readonly #known = new KnownBytes();
  #text = "";

  /** Reads a length and as much text, or returns nothing where there is none. */
  read(reader: WireReader): string | undefined {
    if (this.#known.skip(reader)) return this.#text;
    const { at: start } = reader;
    const text = readText(reader);
    if (text === undefined) return undefined;
    this.#known.remember(reader, start);
    this.#text = text;
    return text;
  }
}

function isAscii(view: DataView, start: number, end: number): boolean {
  let seen = 0;
  let at = start;
  for (; at + 4 <= end; at += 4) seen |= view.getInt32(at, true);
  for (; at < end; at += 1) seen |= view.getUint8(at);
  return (seen & 0x8080_8080) === 0;
}
