import assert from "node:assert/strict";
import { test } from "node:test";
import { createUuid } from "./uuid.ts";

test("every id is a UUID of version 4, and none comes twice", () => {
  const ids = Array.from({ length: 10_000 }, createUuid);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(ids).size, ids.length);
});

test("all digits but the version and two bits are random", () => {
  const seen = Array.from({ length: 36 }, () => new Set<string>());
  for (let count = 0; count < 2000; count += 1)
    for (const [at, digit] of [...createUuid()].entries()) seen[at]?.add(digit);
  const values = seen.map(({ size }) => size);
  const fixed = [8, 13, 14, 18, 23];
  for (const [at, count] of values.entries())
    assert.equal(count, fixed.includes(at) ? 1 : at === 19 ? 4 : 16, `at ${at}`);
});
