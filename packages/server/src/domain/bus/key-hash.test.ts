import assert from "node:assert/strict";
import { test } from "node:test";
import { evenBits, KeyHash } from "./key-hash.ts";

const upper = (hash: number): number => hash >>> (32 - evenBits);

test("the same text of the same owner has the same hash, and every change another", () => {
  const hash = new KeyHash();
  const keys = [
    ["a", "b"],
    ["b", "a"],
    ["a", "b\0"],
    ["a", ""],
    ["", "a"],
    ["ab", ""],
    ["a", "B"],
    ["a", "x".repeat(160)],
  ] as const;
  const hashes = keys.map(([owner, text]) => hash.of(owner, text));
  assert.equal(new Set(hashes).size, keys.length);
  assert.deepEqual(
    keys.map(([owner, text]) => hash.of(owner, text)),
    hashes,
  );
});

// In hashes that multiply and shift by turns, a change of the highest bit goes the same way whatever the seed is.
test("texts that were chosen to collide do so no more often than by chance, whatever they have in common", () => {
  const pairs: readonly (readonly [string, string])[] = [
    ["\u0000", "\u8000"],
    ["a\u0000b\u0001", "a\u8000b\u8001"],
    ["a\u0000b", "a@b"],
    ["äöü", "äöx"],
    ["id-0000000000000001", "id-0000000000000002"],
    ["ab", "ba"],
    ["", "\u0000"],
  ];
  for (const [one, other] of pairs) {
    let collisions = 0;
    for (let round = 0; round < 2000; round += 1) {
      const hash = new KeyHash();
      if (upper(hash.of("owner", one)) === upper(hash.of("owner", other))) collisions += 1;
    }
    // By chance 0.015 of 2000.
    assert.ok(collisions <= 4, `${JSON.stringify([one, other])}: ${collisions} collisions`);
  }
});
