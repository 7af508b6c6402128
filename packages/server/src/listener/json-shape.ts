/** How far a JSON text goes, without parsing it: whoever parses it would pay first. */
export interface JsonShape {
  readonly depth: number;
  /** Values, about: every comma, colon and bracket begins one. */
  readonly values: number;
}

const codes = { quote: 0x22, comma: 0x2c, colon: 0x3a, open: 0x5b, backslash: 0x5c, close: 0x5d } as const;

/** Measures UTF-8 text that may be JSON. What is none has a shape too; its parser says what is wrong with it. */
export function measureJson(bytes: Uint8Array): JsonShape {
  let depth = 0;
  let deepest = 0;
  let values = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === codes.quote) at = endOfText(bytes, at + 1);
    // Brackets and braces differ in one bit.
    else if ((byte & 0xdf) === codes.open) {
      depth += 1;
      values += 1;
      if (depth > deepest) deepest = depth;
    } else if ((byte & 0xdf) === codes.close) depth -= 1;
    else if (byte === codes.comma || byte === codes.colon) values += 1;
  }
  return { depth: deepest, values };
}

function endOfText(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] !== codes.quote) at += bytes[at] === codes.backslash ? 2 : 1;
  return at;
}
