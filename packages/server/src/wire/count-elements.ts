import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { messageLimits } from "./message-limits.ts";

const fieldsOf = new WeakMap<DescMessage, ReadonlyMap<number, DescField>>();

/**
 * Counts what parsing a message would make: its fields, those of the messages within it, and the entries of its lists
 * and maps. Allocates nothing and stops soon after `max`, so it can be asked before a message of a stranger is parsed.
 * What is malformed is counted as far as it makes sense; the parser says what is wrong with it.
 * https://protobuf.dev/programming-guides/encoding/
 */
export function countElements(message: DescMessage, bytes: Uint8Array, max: number): number {
  return new ElementCounter(bytes, max).count(message, 0, bytes.length, 0, 1);
}

class ElementCounter {
  readonly #bytes: Uint8Array;
  readonly #max: number;
  #at = 0;

  constructor(bytes: Uint8Array, max: number) {
    this.#bytes = bytes;
    this.#max = max;
  }

  /** Returns how many elements there are from `start` to `end`, added to `before`. */
  count(message: DescMessage | undefined, start: number, end: number, before: number, depth: number): number {
    let count = before;
    if (depth > messageLimits.depth) return count;
    this.#at = start;
    while (this.#at < end && count <= this.#max) {
      const tag = this.#varint(end);
      const [number, wireType] = [tag >>> 3, tag & 7];
      // The two ends of a group are elements like others: the parser gives up on deep ones.
      if (wireType === 0) this.#varint(end);
      else if (wireType === 1) this.#at += 8;
      else if (wireType === 5) this.#at += 4;
      else if (wireType === 2) {
        const length = this.#varint(end);
        const blockStart = this.#at;
        const blockEnd = blockStart + length;
        if (blockEnd > end) return count + 1;
        count = this.#block(message && fieldOf(message, number), blockStart, blockEnd, count, depth);
        this.#at = blockEnd;
      } else if (wireType > 5) return count + 1;
      count += 1;
    }
    return count;
  }

  #block(field: DescField | undefined, start: number, end: number, before: number, depth: number): number {
    switch (field?.fieldKind) {
      case "message":
        return this.count(field.message, start, end, before, depth + 1);
      case "map":
        return field.mapKind === "message" ? this.count(undefined, start, end, before, depth + 1) : before + 2;
      case "list":
        if (field.listKind === "message") return this.count(field.message, start, end, before, depth + 1);
        // A packed list of numbers has an element a byte at most.
        return field.listKind === "enum" || field.packed ? before + end - start : before;
      default:
        return before;
    }
  }

  /** Reads a number, of which nothing beyond 32 bits is of use here. */
  #varint(end: number): number {
    let value = 0;
    for (let shift = 0; this.#at < end && shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++] ?? 0;
      if (shift < 28) value |= (byte & 0x7f) << shift;
      else if (shift === 28) value += (byte & 0x0f) * 2 ** 28;
      if (byte < 0x80) break;
    }
    return value >>> 0;
  }
}

function fieldOf(message: DescMessage, number: number): DescField | undefined {
  let fields = fieldsOf.get(message);
  if (fields === undefined) {
    fields = new Map(message.fields.map((field) => [field.number, field]));
    fieldsOf.set(message, fields);
  }
  return fields.get(number);
}
