import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { envelope } from "./raw-http2.test-helper.ts";
import { createReframer } from "./reframe.ts";

const limit = { enveloped: true, maxBytes: 100_000 };

function run(chunks: Iterable<Uint8Array>, options: { enveloped: boolean; maxBytes: number } = limit): Buffer[] {
  const reframer = createReframer(options);
  const pieces = [...chunks].map((chunk) => reframer.push(chunk));
  return [...pieces, reframer.flush()].filter((piece) => piece !== undefined).map((piece) => Buffer.from(piece));
}

function* oneByOne(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1) yield bytes.subarray(at, at + 1);
}

test("a message that arrives byte by byte leaves in a few large pieces", () => {
  const message = envelope(Buffer.alloc(60_000, 7));
  const pieces = run(oneByOne(message));
  assert.equal(pieces.length, 4);
  assert.deepEqual(Buffer.concat(pieces), message);
});

test("bytes without messages are joined the same way", () => {
  const pieces = run(oneByOne(Buffer.alloc(60_000, 7)), { enveloped: false, maxBytes: 1 });
  assert.equal(pieces.length, 4);
  assert.equal(Buffer.concat(pieces).length, 60_000);
});

test("a message leaves as soon as its last byte is there", () => {
  const reframer = createReframer(limit);
  const message = envelope(Buffer.from("abc"));
  assert.equal(reframer.push(message.subarray(0, 7)), undefined);
  assert.deepEqual(Buffer.from(reframer.push(message.subarray(7)) ?? []), message);
});

test("a chunk that ends a message is passed on without a copy", () => {
  const message = envelope(Buffer.from("abc"));
  assert.equal(createReframer(limit).push(message), message);
});

test("however bytes are cut, the same bytes leave", () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 40 }));
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), chunks, fc.boolean(), (messages, cuts, enveloped) => {
      const bytes = Buffer.concat(messages.map(envelope));
      let at = 0;
      const parts = cuts.map((cut) => bytes.subarray(at, (at += cut.length)));
      const pieces = run([...parts, bytes.subarray(at)], { enveloped, maxBytes: 1000 });
      assert.deepEqual(Buffer.concat(pieces), bytes);
    }),
  );
});

test("a message that is announced too large is refused by its prefix, after those before it", () => {
  const reframer = createReframer(limit);
  const first = envelope(Buffer.from("abc"));
  const prefix = Buffer.of(0, 255, 255, 255, 255);
  assert.deepEqual(Buffer.from(reframer.push(Buffer.concat([first, prefix])) ?? []), first);
  const isLimit = (error: unknown): boolean =>
    error instanceof ConnectError &&
    error.code === Code.ResourceExhausted &&
    error.rawMessage === "a message of 4294967295 bytes is larger than readMaxBytes, 100000";
  assert.throws(() => reframer.flush(), isLimit);
  assert.throws(() => createReframer(limit).push(prefix), isLimit);
});

test("a message of exactly the limit is taken, one byte more is not", () => {
  const options = { enveloped: true, maxBytes: 10 };
  assert.equal(run([envelope(Buffer.alloc(10))], options).length, 1);
  assert.throws(() => run([envelope(Buffer.alloc(11))], options));
});
