import assert from "node:assert/strict";
import { test } from "node:test";
import { create, equals, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Delivery, DeliverySchema, EventBatchSchema, EventSchema } from "@loom-bridge/protocol/messages";
import { EnvelopeWriter } from "@loom-bridge/protocol/wire";
import fc from "fast-check";
import type { LoggedEvent } from "../../domain/bus/bus-event.ts";
import { toEvent, toRoutedEvent } from "../event-mapping.ts";
import { EventEncoder } from "./event-encoder.ts";
import { event } from "./wire.test-helper.ts";

const name = fc.stringMatching(/^[A-Za-z0-9_:-]{1,140}$/);
const chain = fc.record({
  hops: fc.nat({ max: 32 }),
  remainingMs: fc.nat(),
  budget: fc.nat(),
  spent: fc.constant(false),
  path: fc.array(fc.string(), { maxLength: 2 }),
});
const loggedEvent: fc.Arbitrary<LoggedEvent> = fc.record({
  topic: name,
  id: fc.string(),
  type: fc.string(),
  sender: fc.oneof(fc.constant(""), name),
  key: fc.oneof(fc.constant(""), fc.string()),
  chain: fc.option(chain, { nil: undefined }),
  offset: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  publishedMs: fc.integer({ min: 1, max: 2 ** 42 }),
  body: event.map((value) => toBinary(EventSchema, create(EventSchema, value))),
});

function logged(topic: string, body: Uint8Array): LoggedEvent {
  return { topic, id: "", type: "", sender: "", body, offset: 0, key: "", chain: undefined, publishedMs: 1 };
}

function read(bytes: Uint8Array): Delivery[] {
  const deliveries: Delivery[] = [];
  const buffer = Buffer.from(bytes);
  for (let at = 0; at < buffer.length; ) {
    const end = at + 5 + buffer.readUInt32BE(at + 1);
    assert.equal(buffer[at], 0);
    deliveries.push(fromBinary(DeliverySchema, buffer.subarray(at + 5, end)));
    at = end;
  }
  return deliveries;
}

test("batches are what the real encoder would make of them, for the first subscriber and for the next", () => {
  const encoder = new EventEncoder();
  const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const sequence = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
  fc.assert(
    fc.property(
      fc.array(loggedEvent, { minLength: 1, maxLength: 5 }),
      fc.array(fc.tuple(number, sequence), { minLength: 1, maxLength: 3 }),
      (events, subscribers) => {
        const writer = new EnvelopeWriter(1_000_000);
        for (const [subscription, firstSequence] of subscribers) {
          encoder.eventBatch(writer, { subscription, firstSequence, attempt: 1, events });
        }
        for (const [index, { delivery }] of read(writer.take()).entries()) {
          const [subscription = 0, firstSequence = 0] = subscribers[index] ?? [];
          const expected = {
            subscription,
            firstSequence: BigInt(firstSequence),
            attempt: 1,
            events: events.map(toRoutedEvent),
          };
          assert.ok(delivery.case === "eventBatch");
          assert.ok(equals(EventBatchSchema, delivery.value, create(EventBatchSchema, expected)));
        }
      },
    ),
  );
});

test("events with as many others before them are not taken for those", () => {
  const encoder = new EventEncoder();
  const events = ["a", "b"].map((topic) => logged(topic, new Uint8Array()));
  const writer = new EnvelopeWriter(1000);
  for (const one of events)
    encoder.eventBatch(writer, { subscription: 1, firstSequence: 1, attempt: 1, events: [one] });
  const topics = read(writer.take()).map(
    ({ delivery }) => delivery.case === "eventBatch" && delivery.value.events[0]?.topic,
  );
  assert.deepEqual(topics, ["a", "b"]);
});

test("single events are sent as they were published", () => {
  fc.assert(
    fc.property(fc.array(loggedEvent), (events) => {
      const encoder = new EventEncoder();
      const writer = new EnvelopeWriter(1_000_000);
      for (const one of events) assert.ok(encoder.event(writer, one));
      const sent = read(writer.take());
      assert.equal(sent.length, events.length);
      for (const [index, { delivery }] of sent.entries()) {
        assert.ok(delivery.case === "event");
        assert.ok(equals(EventSchema, delivery.value, toEvent(events[index] ?? assert.fail())));
      }
    }),
  );
});

test("what is no event is not sent as one", () => {
  const writer = new EnvelopeWriter(1000);
  const body = Buffer.of(0x0a, 5, 1);
  assert.equal(new EventEncoder().event(writer, logged("a", body)), false);
  assert.equal(writer.length, 0);
});

test("a message larger than the limit is refused with its size", () => {
  const body = toBinary(EventSchema, create(EventSchema, { payload: new Uint8Array(100) }));
  const writer = new EnvelopeWriter(50);
  assert.throws(() => new EventEncoder().event(writer, logged("a", body)), {
    code: "resource_exhausted",
    rawMessage: "message size 104 is larger than configured writeMaxBytes 50",
  });
});
