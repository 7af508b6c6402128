import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EnvelopeWriter } from "./envelope-writer.ts";
import { MessageSplitter } from "./message-splitter.ts";

function envelope(message: Uint8Array): Uint8Array {
  const writer = new EnvelopeWriter(4096);
  writer.begin(message.length);
  writer.bytes(message);
  return writer.take();
}

const message = fc.uint8Array({ maxLength: 600 });

test("messages come out as they went in, however their bytes are cut and the flow is paused", () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 12 }),
      fc.array(fc.nat({ max: 700 }), { maxLength: 40 }),
      fc.array(fc.boolean(), { maxLength: 20 }),
      (messages, cuts, pauses) => {
        const seen: Buffer[] = [];
        let paused = false;
        const splitter = new MessageSplitter({
          maxBytes: 600,
          onMessage: (bytes) => {
            assert.equal(paused, false);
            seen.push(Buffer.from(bytes));
            paused = pauses[seen.length % Math.max(1, pauses.length)] === true;
            if (paused) splitter.pause();
          },
        });
        const resume = (): void => {
          while (paused) {
            paused = false;
            splitter.resume();
          }
        };
        let rest = Buffer.concat(messages.map(envelope));
        for (const cut of cuts) {
          splitter.push(rest.subarray(0, cut));
          rest = rest.subarray(cut);
          resume();
        }
        splitter.push(rest);
        resume();
        assert.deepEqual(seen, messages.map(Buffer.from));
        assert.equal(splitter.incomplete, false);
      },
    ),
  );
});

test("a message that is too large is refused when its length is known, before a byte of it", () => {
  const seen: number[] = [];
  const splitter = new MessageSplitter({
    maxBytes: 10,
    onMessage: ({ length }) => void seen.push(length),
  });
  splitter.push(Buffer.concat([envelope(Buffer.alloc(10)), Buffer.of(0, 0, 0)]));
  assert.throws(() => splitter.push(Buffer.of(0, 11)), {
    code: "resource_exhausted",
    rawMessage: "a message of 11 bytes is larger than readMaxBytes, 10",
  });
  assert.deepEqual(seen, [10]);
});

test("the largest length that can be announced is no negative one", () => {
  const splitter = new MessageSplitter({ maxBytes: 10, onMessage: () => {} });
  assert.throws(() => splitter.push(Buffer.of(0, 255, 255, 255, 255)), /of 4294967295 bytes/);
});

test("a message that says it is compressed is refused", () => {
  const splitter = new MessageSplitter({ maxBytes: 10, onMessage: () => {} });
  assert.throws(() => splitter.push(Buffer.of(1, 0, 0, 0, 0)), { code: "internal" });
});

test("a message that has not come whole is incomplete, be it only a part of its prefix", () => {
  const splitter = new MessageSplitter({ maxBytes: 10, onMessage: () => {} });
  for (const byte of envelope(Buffer.of(7, 7)).subarray(0, 6)) {
    splitter.push(Buffer.of(byte));
    assert.equal(splitter.incomplete, true);
  }
  splitter.push(Buffer.of(7));
  assert.equal(splitter.incomplete, false);
});
