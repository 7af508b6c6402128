import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { OutgoingPublish } from "../connection/outgoing-publish.ts";
import { SendQueue } from "../connection/send-queue.ts";
import { FakeRuntime } from "../fake-runtime.test-helper.ts";
import { encodePublish } from "../wire/encode-publish.ts";
import { PublishSlab } from "../wire/publish-slab.ts";
import { createEvent } from "./create-event.ts";
import { toChain } from "./event-chain.ts";
import type { EventInit } from "./event-init.ts";
import { Publisher } from "./publisher.ts";

const runtime = new FakeRuntime();

/** Posts as an agent does, and returns what its batch would hold. */
function createPost(): (topic: string, init: EventInit) => Buffer {
  const queue = new SendQueue<OutgoingPublish>();
  const onLost = (reason: Error): void => assert.fail(reason);
  const publisher = new Publisher({ agentId: "me", runtime, queue, timeoutMs: undefined, onLost });
  return (topic, init) => {
    void publisher.post(topic, init);
    const [publish] = queue.take(1);
    assert.ok(publish !== undefined);
    const { bytes, start, end } = publish;
    return bytes.subarray(start, end);
  };
}

/** As if no event had been before it. */
function encodedAlone(topic: string, init: EventInit): Buffer {
  const event = createEvent(init, runtime, init.sender ?? "me");
  const chain = init.chain === undefined ? undefined : toChain(init.chain);
  const { bytes, start, end } = encodePublish({ topic, event, key: init.key ?? "", chain }, new PublishSlab());
  return bytes.subarray(start, end);
}

const own = {
  id: fc.oneof(fc.uuid(), fc.string({ minLength: 1, unit: "binary", maxLength: 130 })),
  timestampMs: fc.oneof(fc.integer({ min: 2 ** 40, max: 2 ** 41 }), fc.nat(), fc.constantFrom(2 ** 50, 1.7e12 + 0.5)),
  payload: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string(), fc.constantFrom(undefined, new Uint8Array(20_000))),
};
/** Out of few values, so that many are alike. */
const shared = {
  metadata: fc.constantFrom(
    ...[undefined, {}, { a: "1" }, { a: "1", b: "2" }, { b: "2", a: "1" }, { a: "2" }, { sender: "" }],
    // What it inherits is no part of it.
    Object.create({ a: "1" }),
  ),
  type: fc.constantFrom("t", "ü".repeat(50)),
  source: fc.constantFrom(undefined, "s"),
  confidence: fc.constantFrom(undefined, 0.5, 0),
  tags: fc.constantFrom(undefined, [], ["a"]),
  priority: fc.constantFrom(undefined, 0, 50),
  threadId: fc.constantFrom(undefined, "th"),
  correlationId: fc.constantFrom(undefined, "co"),
  replyTo: fc.constantFrom(undefined, "re"),
  sender: fc.constantFrom(undefined, "se", "me"),
  ttlMs: fc.constantFrom(undefined, 5),
  traceId: fc.constantFrom(undefined, "tr"),
  spanId: fc.constantFrom(undefined, "sp"),
  traceFlags: fc.constantFrom(undefined, 0, 1),
  key: fc.constantFrom(undefined, "k"),
  chain: fc.constantFrom(undefined, { hops: 3 }),
};
/** Most have nothing but what is usual. */
const first = fc.oneof(fc.constant({ type: "t", metadata: { a: "1" } }), fc.record(shared));
const change = fc.oneof(
  fc.constant({}),
  ...Object.entries(shared).map(([field, values]) => fc.record({ [field]: values as fc.Arbitrary<unknown> })),
);

test("an event is encoded as if it were the first, however much it is like others", () => {
  const later = fc.array(fc.tuple(fc.record(own), change), { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(first, later, (base, events) => {
      const post = createPost();
      for (const [index, [fields, changed]] of events.entries()) {
        // The second is learnt.
        const init = { ...base, ...(index < 2 ? {} : changed), ...fields } as EventInit;
        assert.deepEqual(post("a.b", init), encodedAlone("a.b", init));
      }
    }),
    { numRuns: 3000 },
  );
});

test("an author may change an event that was published, and publish it again", () => {
  const post = createPost();
  const metadata: Record<string, string> = { a: "1" };
  const init = { id: "e", type: "t", timestampMs: 2 ** 40, payload: new Uint8Array([1]), metadata };
  const changes: (() => void)[] = [
    () => {},
    () => {},
    () => (init.type = "u"),
    () => (init.type = "t"),
    () => (metadata["a"] = "2"),
    () => (metadata["b"] = "3"),
    () => delete metadata["a"],
    () => (init.payload[0] = 2),
  ];
  for (const change of changes) {
    change();
    assert.deepEqual(post("a", init), encodedAlone("a", init));
  }
});

test("what is invalid is refused after events that were not", () => {
  const post = createPost();
  const init = { type: "t", timestampMs: 2 ** 40 };
  for (let count = 0; count < 3; count += 1) post("a", init);
  for (const wrong of [
    { type: "" },
    { confidence: Number.NaN },
    { priority: 0.5 },
    { timestampMs: -1 },
    { timestampMs: Number.NaN },
  ]) {
    assert.throws(() => post("a", { ...init, ...wrong } as EventInit), { name: "LoomError" });
  }
  assert.throws(() => post("a", { ...init, payload: new Uint8Array(2 ** 21) }), { code: "resource_exhausted" });
});
