import assert from "node:assert/strict";
import { test } from "node:test";
import { RememberedKeys } from "./remembered-keys.ts";

const known = (keys: RememberedKeys): number[] =>
  Array.from({ length: 20 }, (_, key) => key - 10).filter((key) => keys.has(key));

test("the last keys are known, however often each was added", () => {
  const keys = new RememberedKeys(3);
  for (const key of [1, 2, 2, 3]) keys.add(key);
  assert.deepEqual(known(keys), [1, 2, 3]);
  for (const key of [4, -5]) keys.add(key);
  assert.deepEqual(known(keys), [-5, 3, 4]);
});

test("what is kept of them stays in the order of its coming", () => {
  const keys = new RememberedKeys(3);
  for (const key of [1, 2, -3, 4]) keys.add(key);
  keys.keep((key) => key > 0);
  assert.deepEqual(known(keys), [2, 4]);
  for (const key of [5, 6]) keys.add(key);
  assert.deepEqual(known(keys), [4, 5, 6]);
});
