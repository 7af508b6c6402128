import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { ClientEventSchema } from "@loom-bridge/protocol/messages";
import fc from "fast-check";
import { countElements } from "./count-elements.ts";

type Init = Parameters<typeof create<typeof ClientEventSchema>>[1];
const bytesOf = (init: Init): Uint8Array => toBinary(ClientEventSchema, create(ClientEventSchema, init));
const count = (init: Init, max = 1_000_000): number => countElements(ClientEventSchema, bytesOf(init), max);

test("fields, entries of lists and entries of maps count, as deep as they are", () => {
  assert.equal(count({}), 0);
  assert.equal(count({ event: { case: "heartbeat", value: { timestampMs: 1n } } }), 2);
  assert.equal(count({ event: { case: "register", value: { agentId: "a", topics: ["a", "b", ""] } } }), 5);
  assert.equal(count({ event: { case: "register", value: { metadata: { a: "1", b: "2" } } } }), 7);
  const tool = { name: "t", metadata: { a: "1" } };
  assert.equal(count({ event: { case: "register", value: { tools: [tool] } } }), 6);
});

test("the elements of a packed list count each", () => {
  assert.equal(count({ event: { case: "register", value: { features: [1, 2, 1, 2] } } }), 6);
});

test("fields that nobody knows count too", () => {
  assert.equal(
    countElements(
      ClientEventSchema,
      Uint8Array.from({ length: 2000 }, (_, i) => (i % 2 ? 0 : 0xf8)),
      1e6,
    ),
    500,
  );
});

test("counting stops soon after the maximum", () => {
  const counted = count(
    { event: { case: "register", value: { topics: Array.from({ length: 50_000 }, () => "") } } },
    100,
  );
  assert.ok(counted > 100 && counted < 110, String(counted));
});

test("no bytes make it fail, loop or count more than there are", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const counted = countElements(ClientEventSchema, bytes, 1_000_000);
      assert.ok(counted >= 0 && counted <= 2 * bytes.length);
    }),
  );
});
