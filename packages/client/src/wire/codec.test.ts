import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ChainSchema,
  type ClientEvent,
  ClientEventSchema,
  type Delivery,
  DeliverySchema,
  type Event,
  EventAckSchema,
  EventSchema,
  EventSettleSchema,
  PublishBatchSchema,
  type PublishItem,
  PublishItemSchema,
  SettlementSchema,
  ToolCallSchema,
  ToolRequestSchema,
  ToolResponseSchema,
  ToolResultSchema,
} from "@loom-bridge/protocol/messages";
import { EnvelopeWriter, ToolFrameReader, toolTags } from "@loom-bridge/protocol/wire";
import fc from "fast-check";
import { DeliveryDecoder } from "./delivery-decoder.ts";
import { type EncodedPublish, encodePublish } from "./encode-publish.ts";
import { EncodedBatch } from "./encoded-batch.ts";
import { EncodedPublishBatch } from "./encoded-publish-batch.ts";
import { EventBytes } from "./event-bytes.ts";
import { EventDecoder } from "./event-decoder.ts";
import type { EventFields } from "./event-fields.ts";
import { clientEvent, damaged, delivery, event, joined, publishItem } from "./messages.test-helper.ts";
import { PublishSlab } from "./publish-slab.ts";
import { writeClientEvent } from "./write-client-event.ts";

const slab = new PublishSlab();

/** What a call gives, or that it throws: whatever one codec refuses, the other must refuse. */
function outcome<Result>(call: () => Result): Result | "refused" {
  try {
    return call();
  } catch {
    return "refused";
  }
}

function written(message: ClientEvent): Buffer {
  const writer = new EnvelopeWriter(2 ** 30);
  writeClientEvent(writer, message);
  const bytes = Buffer.from(writer.take());
  assert.equal(bytes.readUIntBE(0, 5), bytes.length - 5);
  return bytes.subarray(5);
}

/** Decodes the event as if others lay around it. */
function decodeEvent(decoder: EventDecoder, bytes: Uint8Array): unknown {
  const around = [new Uint8Array(7), bytes, new Uint8Array(9)];
  return comparable(decoder.decode(new EventBytes(Buffer.concat(around)), 7, 7 + bytes.length));
}

function comparable({ id, type, timestampMs, source, metadata, payload, confidence, tags, priority }: EventFields) {
  const time = Number(timestampMs);
  return { id, type, time, source, metadata, payload: Buffer.from(payload), confidence, tags, priority };
}

/** A batch, with its events as a client takes them. */
function withEvents({ delivery: said, ...others }: Delivery): unknown {
  if (said.case !== "eventBatch") return { ...said, ...others };
  const { subscription, firstSequence, attempt, $unknown } = said.value;
  const events = EncodedBatch.eventsOf(said.value).map(({ source, start, end, ...routed }) => ({
    ...routed,
    event: source.copy(start, end),
  }));
  return { ...others, $unknown, subscription, firstSequence, attempt, events };
}

function batchOf(items: PublishItem[]): Buffer {
  return Buffer.from(toBinary(PublishBatchSchema, create(PublishBatchSchema, { items })));
}

function encodedPublish(item: PublishItem): EncodedPublish {
  const bytes = batchOf([item]);
  return { bytes, start: 0, end: bytes.length, eventBytes: item.event.length };
}

function assertEncodedAlike(message: Event, routing: Pick<PublishItem, "topic" | "key" | "chain">): void {
  const { id, type } = message;
  const expected = outcome(() => {
    const event = toBinary(EventSchema, message);
    const item = create(PublishItemSchema, { ...routing, event, id, type });
    return { batch: batchOf([item]), eventBytes: event.length };
  });
  const encoded = outcome(() => {
    const { bytes, start, end, eventBytes } = encodePublish({ chain: undefined, ...routing, event: message }, slab);
    return { batch: bytes.subarray(start, end), eventBytes };
  });
  assert.deepEqual(encoded, expected);
}

test("publishes are encoded byte for byte as protobuf-es does it", () => {
  fc.assert(
    fc.property(event, publishItem, (message, routing) => assertEncodedAlike(message, routing)),
    { numRuns: 3000 },
  );
});

test("publishes of any size are encoded as protobuf-es does it", () => {
  for (const bytes of [0, 1, 90, 127, 128, 129, 8000, 8192, 16_300, 16_384, 70_000, 300_000]) {
    const payload = new Uint8Array(bytes).fill(7);
    const metadata = { long: "x".repeat(Math.min(bytes, 4096)), wide: "ü↑".repeat(Math.min(bytes, 40)) };
    const message = create(EventSchema, { id: "1", type: "t", payload, metadata });
    assertEncodedAlike(message, create(PublishItemSchema, { topic: "a.b" }));
  }
  assertEncodedAlike(create(EventSchema), create(PublishItemSchema));
});

test("of a field of another type, protobuf-es makes what it can", () => {
  for (const wrong of [{ id: 7 }, { metadata: { a: 7 } }, { tags: [7] }, { payload: "text" }, { priority: "x" }]) {
    const message = Object.assign(create(EventSchema), wrong);
    assertEncodedAlike(message, create(PublishItemSchema, { topic: "a" }));
  }
});

test("a batch of encoded publishes is written as the message that it is, even when somebody changes that", () => {
  fc.assert(
    fc.property(
      fc.array(publishItem, { maxLength: 4 }),
      fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }),
      (items, firstRef) => {
        const encoded = new EncodedPublishBatch(firstRef, items.map(encodedPublish));
        const plain = create(PublishBatchSchema, { firstRef, items });
        const [ours, theirs] = [encoded, plain].map((value) =>
          create(ClientEventSchema, { event: { case: "publishBatch", value } }),
        ) as [ClientEvent, ClientEvent];
        assert.deepEqual(written(ours), Buffer.from(toBinary(ClientEventSchema, theirs)));
        for (const batch of [encoded, plain]) for (const item of batch.items) item.topic = "changed";
        assert.deepEqual(written(ours), Buffer.from(toBinary(ClientEventSchema, theirs)));
      },
    ),
    { numRuns: 500 },
  );
});

test("publishes are written in the order of their batch, wherever they lie", () => {
  const all = Array.from({ length: 200 }, (_, index) => {
    const payload = new Uint8Array(index % 50 === 7 ? 20_000 : (index * 97) % 900).fill(index);
    const event = create(EventSchema, { id: `${index}`, type: "t", payload });
    return { event, encoded: encodePublish({ topic: "a.b", key: "", chain: undefined, event }, slab) };
  });
  // Some were given up before they were sent.
  const sent = all.filter((_, index) => index % 9 !== 0);
  for (const publishes of [all, sent, sent.toReversed(), []]) {
    const encoded = publishes.map((publish) => publish.encoded);
    const value = new EncodedPublishBatch(3n, encoded);
    const { event } = fromBinary(
      ClientEventSchema,
      written(create(ClientEventSchema, { event: { case: "publishBatch", value } })),
    );
    assert.ok(event.case === "publishBatch");
    assert.deepEqual(
      event.value.items.map((item) => fromBinary(EventSchema, Uint8Array.from(item.event))),
      publishes.map((publish) => publish.event),
    );
  }
});

test("what a client says is written byte for byte as protobuf-es does it", () => {
  fc.assert(
    fc.property(clientEvent, (message) => {
      assert.deepEqual(
        outcome(() => written(message)),
        outcome(() => Buffer.from(toBinary(ClientEventSchema, message))),
      );
    }),
    { numRuns: 2000 },
  );
});

test("an acknowledgement of what is no subscription is refused as protobuf-es does it", () => {
  for (const subscription of [-1, 0.5, 2 ** 32]) {
    const value = create(EventAckSchema, { subscription, sequence: 1n });
    assert.throws(() => written(create(ClientEventSchema, { event: { case: "eventAck", value } })), /invalid uint32/);
  }
});

const codecs = {
  event: {
    bytes: event.map((message) => Buffer.from(toBinary(EventSchema, message))),
    decode: (bytes: Uint8Array) => decodeEvent(new EventDecoder(), bytes),
    reference: (bytes: Uint8Array) => comparable(fromBinary(EventSchema, bytes)),
  },
  delivery: {
    bytes: delivery.map((message) => Buffer.from(toBinary(DeliverySchema, message))),
    decode: (bytes: Uint8Array) => withEvents(new DeliveryDecoder().decode(bytes)),
    reference: (bytes: Uint8Array) => withEvents(fromBinary(DeliverySchema, bytes)),
  },
  "client's message": {
    bytes: clientEvent.map((message) => Buffer.from(toBinary(ClientEventSchema, message))),
    decode: (bytes: Uint8Array) => new ToolFrameReader().read(bytes) ?? fromBinary(ClientEventSchema, bytes).event,
    reference: (bytes: Uint8Array) => fromBinary(ClientEventSchema, bytes).event,
  },
};

for (const [name, { bytes, decode, reference }] of Object.entries(codecs)) {
  for (const [how, encoded] of Object.entries({ whole: bytes, joined: joined(bytes), damaged: damaged(bytes) })) {
    test(`each ${how} ${name} is decoded as protobuf-es does it`, () => {
      fc.assert(
        fc.property(encoded, (message) => {
          assert.deepEqual(
            outcome(() => decode(message)),
            outcome(() => reference(message)),
          );
        }),
        { numRuns: 2000 },
      );
    });
  }
}

test("the hand-written codec of settlements knows every field that there is", () => {
  assert.deepEqual(Object.keys(EventSettleSchema.field), ["subscription", "settlements"]);
  assert.deepEqual(Object.keys(SettlementSchema.field), ["sequence", "verdict", "delayMs", "reason"]);
});

test("the hand-written codec of calls knows every field that there is", () => {
  const known = {
    request: ToolRequestSchema,
    response: ToolResponseSchema,
    call: ToolCallSchema,
    result: ToolResultSchema,
    chain: ChainSchema,
  };
  for (const [name, { fields }] of Object.entries(known)) {
    const tags = Object.values(toolTags[name as keyof typeof known]);
    // A result's error is left to protobuf-es.
    const written = fields.filter(({ localName }) => localName !== "error").map(({ number }) => number);
    assert.deepEqual(
      tags.map((tag: number) => tag >>> 3),
      written,
      name,
    );
  }
});

test("a decoder that has seen other events decodes as a new one", () => {
  const decoder = new EventDecoder();
  const sound = event.map((message) => toBinary(EventSchema, message));
  fc.assert(
    fc.property(fc.tuple(sound, damaged(sound)), ([bytes, others]) => {
      for (const each of [bytes, others]) {
        assert.deepEqual(
          outcome(() => decodeEvent(decoder, each)),
          outcome(() => comparable(fromBinary(EventSchema, each))),
        );
      }
    }),
    { numRuns: 1000 },
  );
});

test("what is nearly as the last message is decoded as what it is", () => {
  const events = new EventDecoder();
  const deliveries = new DeliveryDecoder();
  const repeated = fc.tuple(event, delivery).chain(([message, said]) => {
    const [bytes, batch] = [toBinary(EventSchema, message), toBinary(DeliverySchema, said)];
    const [nearly, nearlyBatch] = [damaged(fc.constant(bytes)), damaged(fc.constant(batch))];
    return fc.tuple(fc.constant(bytes), nearly, fc.constant(batch), nearlyBatch);
  });
  fc.assert(
    fc.property(repeated, ([bytes, nearly, batch, nearlyBatch]) => {
      for (const each of [bytes, bytes, nearly]) {
        assert.deepEqual(
          outcome(() => decodeEvent(events, each)),
          outcome(() => comparable(fromBinary(EventSchema, each))),
        );
      }
      for (const each of [batch, batch, nearlyBatch]) {
        assert.deepEqual(
          outcome(() => withEvents(deliveries.decode(each))),
          outcome(() => withEvents(fromBinary(DeliverySchema, each))),
        );
      }
    }),
    { numRuns: 1000 },
  );
});
