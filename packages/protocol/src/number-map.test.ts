import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { NumberMap } from "./number-map.ts";

const number = fc.oneof(
  fc.integer({ min: 1, max: 20 }),
  // With the same last 32 bits, so that they compete for places.
  fc.integer({ min: 1, max: 20 }).map((factor) => factor * 2 ** 32 + 7),
  fc.integer({ min: 2 ** 32, max: Number.MAX_SAFE_INTEGER }),
  fc.integer({ min: -20, max: 0 }),
);
const step = fc.oneof(
  fc.record({ act: fc.constant("set" as const), number }),
  fc.record({ act: fc.constant("take" as const), number }),
);

test("it holds what a Map would, whatever is put in and taken out", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const ours = new NumberMap<number>();
      const model = new Map<number, number>();
      for (const [at, { act, number: key }] of steps.entries()) {
        if (act === "set") {
          ours.set(key, at);
          model.set(key, at);
        } else {
          assert.equal(ours.take(key), model.get(key));
          model.delete(key);
        }
        assert.equal(ours.size, model.size);
        assert.equal(ours.has(key), model.has(key));
      }
      const expected = [...model].sort(([one], [other]) => one - other);
      assert.deepEqual(
        ours.numbers(),
        expected.map(([key]) => key),
      );
      assert.deepEqual(
        ours.values(),
        expected.map(([, value]) => value),
      );
      for (const [key, value] of model) assert.equal(ours.get(key), value);
    }),
  );
});

test("an empty one knows nothing", () => {
  const map = new NumberMap<string>();
  assert.deepEqual([map.size, map.has(1), map.get(1), map.take(1), map.values()], [0, false, undefined, undefined, []]);
  map.set(1, "one");
  map.clear();
  assert.deepEqual([map.size, map.has(1), map.get(1), map.take(1), map.values()], [0, false, undefined, undefined, []]);
});

test("a value that was taken is not held any more", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const map = new NumberMap<object>();
  const held = Array.from({ length: 100 }, (_, index) => {
    const value = {};
    map.set(index + 1, value);
    return new WeakRef(value);
  });
  for (let index = 0; index < 100; index += 1) map.take(index + 1);
  // A reference is strong until the turn that made it is over.
  await new Promise(setImmediate);
  collect();
  assert.equal(held.filter((reference) => reference.deref() !== undefined).length, 0);
});
