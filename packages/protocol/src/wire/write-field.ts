/** How much the first four bytes of a number can say, seven bits each. */
const fourGroups = 2 ** 28;

/** How many bytes a whole number takes. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest /= 128) bytes += 1;
  return bytes;
}

/** How many bytes a field with a length takes, of so many bytes of content. */
export function blockBytes(contentBytes: number): number {
  return 1 + varintBytes(contentBytes) + contentBytes;
}

/** How many bytes a field of text takes; one that is empty is left out. */
export function textFieldBytes(text: string): number {
  return text === "" ? 0 : blockBytes(textBytes(text));
}

/** How many bytes the content of a map's entry takes; both are written even if they are empty. */
export function pairBytes(key: string, value: string): number {
  return blockBytes(textBytes(key)) + blockBytes(textBytes(value));
}

/** Writes a whole number of at most 53 bits; returns where it ends. */
export function writeVarint(buffer: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  if (value >= fourGroups) {
    // What is left then has few enough bits to be shifted, which takes a fraction of the time.
    rest = Math.floor(value / fourGroups);
    const low = value - rest * fourGroups;
    buffer[at++] = low | 0x80;
    buffer[at++] = (low >>> 7) | 0x80;
    buffer[at++] = (low >>> 14) | 0x80;
    buffer[at++] = (low >>> 21) | 0x80;
  }
  for (rest |= 0; rest >= 0x80; rest >>>= 7) buffer[at++] = rest | 0x80;
  buffer[at++] = rest;
  return at;
}

/** Up to this length, a loop is faster than a call into Node. */
const shortText = 12;

/** How many bytes a text takes as UTF-8. */
export function textBytes(text: string): number {
  if (text.length > shortText) return Buffer.byteLength(text);
  for (let index = 0; index < text.length; index += 1) {
    if (text.charCodeAt(index) > 0x7f) return Buffer.byteLength(text);
  }
  return text.length;
}

/** So many characters take at most as many bytes as a length of one byte can say. */
const maxShortCharacters = Math.floor(0x7f / 3);

/** Writes a field of text, its tag before it; returns where it ends. */
export function writeTextField(buffer: Buffer, start: number, tag: number, text: string): number {
  buffer[start] = tag;
  if (text.length <= maxShortCharacters) {
    // Node writes even short texts in half the time of a loop.
    const bytes = buffer.write(text, start + 2);
    buffer[start + 1] = bytes;
    return start + 2 + bytes;
  }
  const bytes = Buffer.byteLength(text);
  return writeText(buffer, writeVarint(buffer, start + 1, bytes), text, bytes);
}

/** Writes a text of so many bytes as UTF-8; returns where it ends. */
export function writeText(buffer: Buffer, start: number, text: string, bytes: number): number {
  return start + buffer.write(text, start, bytes, bytes === text.length ? "latin1" : "utf8");
}

/**
 * Writes tag and length in front of a field's content, which was written before its length was known; returns where it
 * ends. The content moves where its length takes other room than was left.
 */
export function closeBlock(
  buffer: Uint8Array,
  start: number,
  tag: number,
  contentStart: number,
  contentEnd: number,
): number {
  const bytes = contentEnd - contentStart;
  const movedTo = start + 1 + varintBytes(bytes);
  if (movedTo !== contentStart) buffer.copyWithin(movedTo, contentStart, contentEnd);
  buffer[start] = tag;
  return writeVarint(buffer, start + 1, bytes) + bytes;
}
