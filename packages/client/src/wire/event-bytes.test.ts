import assert from "node:assert/strict";
import { test } from "node:test";
import { EventBytes } from "./event-bytes.ts";

/** 20 000 bytes, each told from its neighbours, which lie somewhere in a buffer. */
function message(): Buffer {
  const bytes = Buffer.alloc(20_100);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = index % 251;
  return bytes.subarray(100);
}

test("what is copied is what was asked for, in any order", () => {
  const bytes = message();
  const source = new EventBytes(bytes);
  const parts: [number, number][] = [
    [0, 0],
    [5, 105],
    [105, 1105],
    [8100, 8300],
    [50, 60],
    [19_999, 20_000],
    [3, 19_000],
  ];
  for (const [start, end] of parts) {
    assert.deepEqual(Buffer.from(source.copy(start, end)), bytes.subarray(start, end), `${start} to ${end}`);
  }
});

test("a copy keeps neither the message nor much else", () => {
  const bytes = message();
  const source = new EventBytes(bytes);
  for (const [start, end] of [
    [200, 328],
    [1000, 9000],
  ] as const) {
    const { buffer } = source.copy(start, end);
    assert.notEqual(buffer, bytes.buffer);
    // Node's pool for small buffers has 8 KiB, or 64 since Node 24.
    assert.ok(buffer.byteLength <= Math.max(16_384, Buffer.poolSize), `${buffer.byteLength} bytes for ${end - start}`);
  }
});

test("small copies that follow each other share their memory", () => {
  const source = new EventBytes(message());
  const copies = Array.from({ length: 20 }, (_, index) => source.copy(300 * index, 300 * index + 128));
  assert.equal(new Set(copies.map(({ buffer }) => buffer)).size, 1);
});
