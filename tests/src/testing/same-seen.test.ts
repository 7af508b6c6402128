import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestBridge } from "@loom-bridge/testing";
import { expectSameSeen, type Seen } from "../same-seen.ts";
import { Witness } from "../witness.ts";

/** What a reader gets and its writer is answered. */
async function seenOf(payloads: readonly string[]): Promise<Seen> {
  await using bridge = createTestBridge();
  const witness = new Witness();
  const all = Promise.withResolvers<void>();
  const onEvent = witness.hearing("reader", (_, { payload }) => {
    if (Buffer.from(payload).toString() === payloads.at(-1)) all.resolve();
  });
  await bridge.agent({ id: "reader", topics: ["a"], onEvent });
  const writer = witness.watch(await bridge.agent({ id: "writer" }));
  for (const payload of payloads) await writer.publish("a", { type: "t", payload });
  await all.promise;
  return new Map([["a test (1)", witness.lines]]);
}

test("worlds in which everybody sees the same are the same, whatever their ids and times", async () => {
  const [one, two] = [await seenOf(["1", "2"]), await seenOf(["1", "2"])];
  assert.equal([...one.values()].flat().length, 4);
  expectSameSeen(new Map(Object.entries({ one, two })));
});

test("an event that is another, that is missing or that comes in another place is a difference", async () => {
  const one = await seenOf(["1", "2"]);
  for (const others of [["1", "3"], ["1"], ["2", "1"], ["1", "2", "3"]]) {
    const two = await seenOf(others);
    assert.throws(
      () => expectSameSeen(new Map(Object.entries({ one, two }))),
      /two differs from one in "a test \(1\)"/,
    );
  }
});
