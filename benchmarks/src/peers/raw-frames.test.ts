import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { createFrameReader, FrameWriter } from "./raw-frames.ts";

describe("raw frames", () => {
  it("of one tick leave in one write, and are found again however the bytes are cut", async () => {
    const pipe = new PassThrough();
    const writes: Buffer[] = [];
    pipe.on("data", (chunk: Buffer) => writes.push(chunk));
    const writer = new FrameWriter(pipe);
    const sent = ["first", "", "x".repeat(1000)];
    for (const text of sent) writer.write(Buffer.from(text));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(writes.length, 1);

    const [bytes = Buffer.alloc(0)] = writes;
    for (const size of [1, 3, 7, bytes.byteLength]) {
      const found: string[] = [];
      const read = createFrameReader((frame) => found.push(frame.toString()));
      for (let start = 0; start < bytes.byteLength; start += size) read(bytes.subarray(start, start + size));
      assert.deepEqual(found, sent, `cut into pieces of ${size}`);
    }
  });
});
