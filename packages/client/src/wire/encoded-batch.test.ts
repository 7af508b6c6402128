import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { DeliverySchema, type EventBatch } from "@loom-bridge/protocol/messages";
import { DeliveryDecoder } from "./delivery-decoder.ts";
import { EncodedBatch } from "./encoded-batch.ts";

function decodeBatch(): EventBatch {
  const events = [
    { topic: "a", sender: "ada", offset: 7n, publishedMs: 9n, event: new Uint8Array([1, 2]) },
    { topic: "b", key: "k", chain: { hops: 2 } },
  ];
  const value = { subscription: 3, firstSequence: 5n, attempt: 2, events };
  const bytes = toBinary(DeliverySchema, create(DeliverySchema, { delivery: { case: "eventBatch", value } }));
  const { delivery } = new DeliveryDecoder().decode(bytes);
  assert.ok(delivery.case === "eventBatch" && delivery.value instanceof EncodedBatch);
  return delivery.value;
}

function senders(batch: EventBatch): string[] {
  return EncodedBatch.eventsOf(batch).map(({ sender }) => sender);
}

test("a batch tells its events as messages, too", () => {
  const { events } = decodeBatch();
  assert.deepEqual(
    events.map(({ topic, sender, offset, publishedMs, key, chain }) => [
      topic,
      sender,
      offset,
      publishedMs,
      key,
      chain?.hops,
    ]),
    [
      ["a", "ada", 7n, 9n, "", undefined],
      ["b", "", 0n, 0n, "k", 2],
    ],
  );
  assert.deepEqual(events[0]?.event, new Uint8Array([1, 2]));
});

test("what somebody has changed in the messages of a batch counts", () => {
  const batch = decodeBatch();
  assert.deepEqual(senders(batch), ["ada", ""]);
  const [first] = batch.events;
  assert.ok(first);
  first.sender = "mallory";
  assert.deepEqual(senders(batch), ["mallory", ""]);
});
