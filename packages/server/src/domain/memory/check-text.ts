import { atMost } from "../at-most.ts";
import { invalidField } from "./invalid-field.ts";

const loneSurrogate = /\p{Cs}/u;

/**
 * Returns `value` when it has at most as many bytes as the limit allows, as UTF-8.
 * @throws LoomError `invalid_argument` that names the field, the limit and its value.
 */
export function checkText<Name extends string>(
  field: string,
  value: string,
  limit: Name,
  limits: Readonly<Record<Name, number>>,
): string {
  atMost(limits, { field, unit: "bytes", count: Buffer.byteLength(value), limit });
  // Half a character has no UTF-8; a durable store would give back something else than it got.
  if (loneSurrogate.test(value)) throw invalidField(field, "is not well-formed Unicode: it has a lone surrogate");
  return value;
}
