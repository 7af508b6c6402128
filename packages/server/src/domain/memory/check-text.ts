import { invalidField } from "./invalid-field.ts";

const loneSurrogate = /\p{Cs}/u;

/**
 * Returns `value` when it has at most `maxBytes` bytes as UTF-8.
 * @throws LoomError `invalid_argument` that names the field, the limit and the size.
 */
export function checkText(field: string, value: string, maxBytes: number): string {
  const bytes = Buffer.byteLength(value);
  if (bytes > maxBytes) {
    throw invalidField(field, `has ${bytes} bytes; at most ${maxBytes} are allowed`, {
      limit: String(maxBytes),
      value: String(bytes),
    });
  }
  // Half a character has no UTF-8; a durable store would give back something else than it got.
  if (loneSurrogate.test(value)) throw invalidField(field, "is not well-formed Unicode: it has a lone surrogate");
  return value;
}
