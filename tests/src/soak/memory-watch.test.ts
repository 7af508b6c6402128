import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryWatch } from "./memory-watch.ts";

const mebibyte = 1_048_576;

function watch(heapMib: (sample: number) => number): MemoryWatch {
  const created = new MemoryWatch("the bridge");
  for (let sample = 0; sample < 21; sample += 1) {
    created.add({ heapBytes: heapMib(sample) * mebibyte, rssBytes: 100 * mebibyte, sockets: 0 });
  }
  return created;
}

test("memory that goes up and down is flat, and so is one high sample", () => {
  assert.deepEqual(watch((sample) => 40 + (sample % 4)).judge().problems, []);
  assert.deepEqual(watch((sample) => (sample === 20 ? 90 : 40)).judge().problems, []);
});

test("memory that grows by a third of a mebibyte a sample is not", () => {
  assert.deepEqual(watch((sample) => 40 + sample / 3).judge().problems, [
    "the bridge grows: heap 41.0 → 45.7 MiB, and 4.0 MiB more are allowed",
  ]);
});

test("too few samples are not judged, and that is said", () => {
  const { line, problems } = new MemoryWatch("the bridge").judge();
  assert.match(line, /not judged/);
  assert.deepEqual(problems, []);
});
