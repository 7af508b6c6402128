import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type ClientEvent,
  ClientEventSchema,
  type Delivery,
  DeliverySchema,
  type DropReason,
  type Event,
  EventSchema,
  type PublishItem,
  PublishItemSchema,
  type ToolStatus,
  Verdict,
} from "@loom-bridge/protocol/messages";
import fc from "fast-check";

/** ASCII and not, also what is no well-formed text. */
const text = fc.oneof(
  fc.string({ maxLength: 100 }),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom("", "__proto__", "\ud800", "topic.a"),
);
const uint64 = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 53n }), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }));
const bytes = fc.uint8Array({ maxLength: 300 });
const chain = fc.option(fc.record({ hops: fc.nat(40), path: fc.array(text, { maxLength: 2 }) }), { nil: undefined });

const eventInit = fc.record({
  id: text,
  type: text,
  timestampMs: fc.oneof(uint64, fc.bigInt({ min: -(2n ** 63n), max: 0n })),
  source: text,
  metadata: fc.dictionary(text, text, { maxKeys: 4 }),
  payload: bytes,
  confidence: fc.oneof(fc.constantFrom(0, -0, 1, 0.1, Number.NaN), fc.float()),
  tags: fc.array(text, { maxLength: 3 }),
  priority: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer()),
});

/** Mostly such events as authors make, and now and then one that they should not. */
export const event: fc.Arbitrary<Event> = eventInit.map((init) => create(EventSchema, init));

const wholeChain = fc.option(
  fc.record({
    hops: fc.nat(40),
    remainingMs: fc.oneof(uint64, fc.constant(-1n)),
    budget: fc.nat(),
    path: fc.array(text, { maxLength: 3 }),
    spent: fc.boolean(),
  }),
  { nil: undefined },
);
const call = fc.record({
  id: text,
  name: text,
  arguments: text,
  timeoutMs: fc.oneof(fc.nat(), fc.integer()),
  headers: fc.dictionary(text, text, { maxKeys: 3 }),
  correlationId: text,
  idempotencyKey: text,
  toolHash: text,
  chain: wholeChain,
});
const result = fc.record({
  status: fc.oneof(fc.nat(7), fc.integer()).map((status) => status as ToolStatus),
  output: text,
  id: text,
  error: fc.option(fc.record({ code: text, message: text }), { freq: 4, nil: undefined }),
});
const ref = fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
/** Calls of tools and their results, which both ends say. */
const toolFrame = fc.oneof(
  fc
    .record({
      ref,
      call: fc.option(call, { nil: undefined }),
      caller: text,
      callers: fc.array(text, { maxLength: 3 }),
      onBehalfOf: ref,
    })
    .map((value) => ({ case: "toolRequest" as const, value })),
  fc
    .record({ ref, result: fc.option(result, { nil: undefined }) })
    .map((value) => ({ case: "toolResponse" as const, value })),
);

type BatchInit = NonNullable<MessageInitShape<typeof DeliverySchema>["delivery"]>;

const routed = fc.record({
  topic: text,
  event: bytes,
  sender: text,
  offset: uint64,
  publishedMs: uint64,
  key: text,
  chain,
});
const eventBatch = fc.record({
  subscription: fc.nat(),
  firstSequence: uint64,
  attempt: fc.nat(9),
  events: fc.array(routed, { maxLength: 4 }),
});

const uint32 = fc.oneof(fc.nat(9), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const drop = fc.record({ reason: fc.nat(4).map((reason) => reason as DropReason), count: uint32 });
const receiptBatch = fc.record({
  receipts: fc.array(
    fc.record({
      ref: uint64,
      count: uint32,
      matched: uint32,
      queued: uint32,
      dropped: uint32,
      duplicate: fc.boolean(),
      drops: fc.array(drop, { maxLength: 1 }),
      offset: uint64,
      error: fc.option(fc.record({ code: text, message: text }), { freq: 9, nil: undefined }),
    }),
    { maxLength: 3 },
  ),
});

/** A batch of events, receipts, a call of a tool, or something else that the bridge says. */
export const delivery: fc.Arbitrary<Delivery> = fc
  .oneof(
    { weight: 9, arbitrary: eventBatch.map((value): BatchInit => ({ case: "eventBatch", value })) },
    { weight: 5, arbitrary: toolFrame.map((init): BatchInit => init) },
    { weight: 5, arbitrary: receiptBatch.map((value): BatchInit => ({ case: "receiptBatch", value })) },
    fc.string().map((message): BatchInit => ({ case: "ack", value: { message } })),
    eventInit.map((value): BatchInit => ({ case: "event", value })),
  )
  .map((init) => create(DeliverySchema, { delivery: init }));

type SayInit = NonNullable<MessageInitShape<typeof ClientEventSchema>["event"]>;

const itemInit = fc.record({ topic: text, event: bytes, id: text, type: text, key: text, chain });
export const publishItem: fc.Arbitrary<PublishItem> = itemInit.map((init) => create(PublishItemSchema, init));
const publishBatch = fc.record({ firstRef: uint64, items: fc.array(itemInit, { maxLength: 4 }) });

const eventAck = fc.record({ subscription: uint32, sequence: uint64 });
const settlement = fc.record({
  sequence: uint64,
  verdict: fc.oneof(fc.constant(Verdict.ACKNOWLEDGE), fc.integer({ min: -1, max: 200 }) as fc.Arbitrary<Verdict>),
  delayMs: fc.oneof(fc.constant(0), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  reason: fc.oneof({ weight: 9, arbitrary: fc.constant("") }, text),
});
const eventSettle = fc.record({ subscription: uint32, settlements: fc.array(settlement, { maxLength: 3 }) });

/** A batch of publishes, an acknowledgement, settlements, a call of a tool, or something else that a client says. */
export const clientEvent: fc.Arbitrary<ClientEvent> = fc
  .oneof(
    { weight: 9, arbitrary: publishBatch.map((value): SayInit => ({ case: "publishBatch", value })) },
    { weight: 5, arbitrary: toolFrame.map((init): SayInit => init) },
    { weight: 3, arbitrary: eventAck.map((value): SayInit => ({ case: "eventAck", value })) },
    { weight: 6, arbitrary: eventSettle.map((value): SayInit => ({ case: "eventSettle", value })) },
    fc.string().map((reason): SayInit => ({ case: "goodbye", value: { reason } })),
  )
  .map((init) => create(ClientEventSchema, { event: init }));

/** Bytes with something else, or nothing, in place of a few. */
export function damaged(whole: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.tuple(whole, fc.nat(), fc.nat({ max: 255 }), fc.nat({ max: 3 })).map(([sound, place, byte, removed]) => {
    const changed = [...sound];
    changed.splice(place % (changed.length + 1), removed, byte);
    // A buffer like what was whole, for a field that nobody knows is kept as a view, which is one of its kind.
    return Buffer.from(changed);
  });
}

/** Two encodings one behind the other are one message, whose fields come twice. */
export function joined(part: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.tuple(part, part).map((parts) => Buffer.concat(parts));
}
