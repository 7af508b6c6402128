import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KnownBytes } from "./known-bytes.ts";
import { WireReader } from "./wire-reader.ts";

/** Among them parts of numbers that are zero, or equal to none. */
const bytes = fc.array(fc.constantFrom(0, 0x80, 0x61, 0x7f, 0xf0, 0xff), { maxLength: 40 });

function remembered(known: readonly number[]): KnownBytes {
  const reader = new WireReader(Uint8Array.from([1, ...known]), 1 + known.length);
  const knownBytes = new KnownBytes();
  knownBytes.remember(reader, 1);
  return knownBytes;
}

test("bytes are known again wherever they come, and passed over", () => {
  for (const length of [1, 7, 8, 9, 15, 16, 17, 255, 256]) {
    const known = Array.from({ length }, (_, index) => 97 + (index % 25));
    const knownBytes = remembered(known);
    for (const rest of [0, 3]) {
      const reader = new WireReader(Uint8Array.from([7, 7, 7, ...known, ...known.slice(0, rest)]), 3);
      assert.ok(knownBytes.skip(reader), `${length} bytes`);
      assert.equal(reader.at, 3 + length);
    }
  }
});

test("no byte is taken for another, and none beyond the end", () => {
  const place = fc.nat();
  fc.assert(
    fc.property(bytes, place, fc.integer({ min: 1, max: 255 }), (known, at, change) => {
      const knownBytes = remembered(known);
      const other = Uint8Array.from(known);
      if (known.length > 0) other[at % known.length] = (other[at % known.length] ?? 0) ^ change;
      for (const next of [new WireReader(other), new WireReader(Uint8Array.from(known), 0, known.length - 1)]) {
        assert.ok(!knownBytes.skip(next));
        assert.equal(next.at, 0);
      }
    }),
    // The two zeros.
    { numRuns: 3000, examples: [[[0, 0, 0, 0, 0, 0, 0, 0], 7, 0x80]] },
  );
});

test("what is too long, or empty, is not remembered", () => {
  for (const length of [0, 257]) {
    const known = Array.from({ length }, () => 97);
    assert.ok(!remembered(known).skip(new WireReader(Uint8Array.from(known))));
  }
});

test("what is remembered takes the place of what was", () => {
  const reader = new WireReader(Buffer.from("firstsecond, which is longer"));
  const knownBytes = new KnownBytes();
  reader.at = 5;
  knownBytes.remember(reader, 0);
  reader.at = reader.end;
  knownBytes.remember(reader, 5);
  reader.at = 0;
  assert.ok(!knownBytes.skip(reader));
  reader.at = 5;
  assert.ok(knownBytes.skip(reader));
});
