import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type ClientEvent, ClientEventSchema, type EventSchema } from "@loom-bridge/protocol/messages";
import fc from "fast-check";

const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: "binary", maxLength: 6 }));
const key = fc.oneof(text, fc.constantFrom("loom.sender", "sender", "trace_id"));
const metadata = fc.array(fc.tuple(key, text), { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs));

/** An Event as publishers make it. */
export const event: fc.Arbitrary<MessageInitShape<typeof EventSchema>> = fc.record({
  id: text,
  type: text,
  timestampMs: fc.bigInt({ min: 0n, max: 2n ** 52n }),
  source: text,
  metadata: metadata.filter((pairs) => !(Object.hasOwn(pairs, "sender") && Object.hasOwn(pairs, "loom.sender"))),
  payload: fc.uint8Array({ maxLength: 300 }),
  confidence: fc.constantFrom(0, 0.5, 1),
  tags: fc.array(text, { maxLength: 3 }),
  priority: fc.nat({ max: 100 }),
});

const item = fc.record({ topic: text, event: fc.uint8Array({ maxLength: 300 }), id: text, type: text });
const publish = fc.record({ topic: text, event, ref: fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }) });
const batch = fc.record({
  firstRef: fc.bigInt({ min: 1n, max: 2n ** 53n - 1n }),
  items: fc.array(item, { maxLength: 4 }),
});

/** A Publish or a PublishBatch. */
export const publishing: fc.Arbitrary<ClientEvent> = fc
  .oneof(
    publish.map((value) => ({ case: "publish" as const, value })),
    batch.map((value) => ({ case: "publishBatch" as const, value })),
  )
  .map((value) => create(ClientEventSchema, { event: value }));

/** A varint with this many bytes more than it needs. */
function varint(value: bigint, padding = 0): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  } while (rest > 0n);
  for (let index = 0; index < padding; index += 1) bytes.push(0x80);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) & 0x7f;
  return bytes;
}

/** A field with a length. */
export function block(number: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([
    Buffer.from(varint(BigInt((number << 3) | 2))),
    Buffer.from(varint(BigInt(content.length))),
    content,
  ]);
}

type Field = fc.Arbitrary<Uint8Array>;

const padding = fc.oneof({ weight: 25, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 3 }) });

function number(field: number): Field {
  const value = fc.oneof(fc.bigInt({ min: 0n, max: 300n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
  return fc
    .tuple(value, padding)
    .map(([each, pad]) => Buffer.from([...varint(BigInt(field << 3)), ...varint(each, pad)]));
}

function withLength(field: number, content: fc.Arbitrary<Uint8Array>): Field {
  return fc
    .tuple(content, padding, padding)
    .map(([bytes, tagPad, pad]) =>
      Buffer.concat([
        Buffer.from([...varint(BigInt((field << 3) | 2), tagPad), ...varint(BigInt(bytes.length), pad)]),
        bytes,
      ]),
    );
}

const utf8 = text.map((each) => Buffer.from(each));
const anyBytes = fc.oneof({ weight: 25, arbitrary: utf8 }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 5 }) });
const fixed32 = (field: number): Field =>
  fc.float({ noNaN: true }).map((each) => {
    const bytes = Buffer.alloc(5);
    bytes[0] = (field << 3) | 5;
    bytes.writeFloatLE(each === 0 ? 0 : each, 1);
    return bytes;
  });

/** Fields in any order, each any number of times, now and then one that nobody knows. */
function message(...fields: readonly Field[]): fc.Arbitrary<Uint8Array> {
  const known = fc.oneof(...fields);
  const unknown = fc.oneof(number(15), withLength(14, anyBytes));
  const any = fc.oneof({ weight: 60, arbitrary: known }, { weight: 1, arbitrary: unknown });
  return fc.array(any, { maxLength: 6 }).map((parts) => Buffer.concat(parts));
}

const senderKeys = fc.constantFrom("loom.sender", "sender").map((each) => Buffer.from(each));
const pair = fc.oneof(
  fc.tuple(withLength(1, fc.oneof(anyBytes, senderKeys)), withLength(2, anyBytes)).map((parts) => Buffer.concat(parts)),
  message(withLength(1, anyBytes), withLength(2, anyBytes)),
);
const eventBytes = message(
  withLength(1, anyBytes),
  withLength(2, anyBytes),
  number(3),
  withLength(4, anyBytes),
  withLength(5, pair),
  withLength(6, anyBytes),
  fixed32(7),
  withLength(8, anyBytes),
  number(9),
);
const publishBytes = message(withLength(1, anyBytes), withLength(2, eventBytes), withLength(2, eventBytes), number(3));
const itemBytes = message(...[1, 2, 3, 4].map((field) => withLength(field, anyBytes)));
const batchBytes = message(number(1), withLength(2, itemBytes), withLength(2, itemBytes));

/** A ClientEvent that publishes, in any encoding: mostly valid, written by nobody's library. */
export const clientEventBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  withLength(1, publishBytes),
  withLength(4, batchBytes),
  message(withLength(1, publishBytes), withLength(4, batchBytes)),
);
