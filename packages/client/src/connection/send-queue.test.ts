import assert from "node:assert/strict";
import { test } from "node:test";
import { LoomError } from "@loom-bridge/protocol";
import { SendQueue } from "./send-queue.ts";

/** Sends items in order and notes which were taken. */
function sendAll(queue: SendQueue<number>, count: number, bytes = 1): { taken: number[]; refused: LoomError[] } {
  const outcome = { taken: [] as number[], refused: [] as LoomError[] };
  for (let item = 1; item <= count; item += 1) {
    queue.send(item, bytes).then(
      () => outcome.taken.push(item),
      (error: LoomError) => outcome.refused.push(error),
    );
  }
  return outcome;
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("2048 messages are taken at once, the next waits until one is read, and the order stays", async () => {
  const queue = new SendQueue<number>();
  const { taken } = sendAll(queue, 2050);
  await settled();
  assert.equal(taken.length, 2048);
  assert.deepEqual(queue.take(1), [1]);
  await settled();
  assert.equal(taken.at(-1), 2049);
  assert.deepEqual(
    queue.take(3000),
    Array.from({ length: 2048 }, (_, index) => index + 2),
  );
  assert.deepEqual(queue.take(3000), [2050]);
  assert.equal(queue.length, 0);
});

test("8 MiB are taken at once, whatever their number", async () => {
  const queue = new SendQueue<number>();
  const { taken } = sendAll(queue, 9, 1_048_576);
  await settled();
  assert.equal(taken.length, 8);
  queue.take(1);
  await settled();
  assert.equal(taken.length, 9);
});

test("a small item does not overtake a large one that waits", async () => {
  const queue = new SendQueue<number>();
  sendAll(queue, 7, 1_048_576);
  const order: string[] = [];
  void queue.send(8, 2 * 1_048_576 - 1).then(() => order.push("large"));
  void queue.send(9, 1).then(() => order.push("small"));
  await settled();
  assert.deepEqual(order, []);
  queue.take(1);
  await settled();
  assert.deepEqual(order, ["large", "small"]);
});

test("16 384 may wait; the next is refused and told to await", async () => {
  const queue = new SendQueue<number>();
  const { taken, refused } = sendAll(queue, 2048 + 16_384 + 1);
  await settled();
  assert.equal(taken.length, 2048);
  assert.equal(refused.length, 1);
  assert.equal(refused[0]?.code, "resource_exhausted");
  assert.match(refused[0]?.message ?? "", /await/);
});

test("clearing refuses those who wait and returns what was taken", async () => {
  const queue = new SendQueue<number>();
  const { refused } = sendAll(queue, 2050);
  queue.take(0);
  const left = queue.clear(new LoomError("unavailable", "gone"));
  await settled();
  assert.equal(left.length, 2048);
  assert.deepEqual(
    refused.map(({ code }) => code),
    ["unavailable", "unavailable"],
  );
  assert.equal(queue.length, 0);
});
