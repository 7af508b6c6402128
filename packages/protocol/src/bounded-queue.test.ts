import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { BoundedQueue, type Overflow } from "./bounded-queue.ts";

describe("BoundedQueue", () => {
  it("returns items in the order in which they came", () => {
    const queue = new BoundedQueue<string>({ maxItems: 3, maxBytes: 100 });
    for (const item of ["a", "b", "c"]) assert.equal(queue.offer(item, 1), 0);
    assert.deepEqual(queue.take(), ["a", "b", "c"]);
    assert.equal(queue.length, 0);
    assert.equal(queue.bytes, 0);
  });

  it("refuses an item beyond maxItems and changes nothing", () => {
    const queue = new BoundedQueue<string>({ maxItems: 2, maxBytes: 100 });
    queue.offer("a", 1);
    queue.offer("b", 1);
    assert.equal(queue.hasRoom(1), false);
    assert.equal(queue.offer("c", 1), -1);
    assert.equal(queue.bytes, 2);
    assert.deepEqual(queue.take(), ["a", "b"]);
  });

  it("refuses an item beyond maxBytes, and takes it once there is room", () => {
    const queue = new BoundedQueue<string>({ maxItems: 10, maxBytes: 10 });
    queue.offer("a", 6);
    assert.equal(queue.offer("b", 5), -1);
    assert.equal(queue.offer("c", 4), 0);
    queue.take(1);
    assert.equal(queue.offer("b", 5), 0);
    assert.deepEqual(queue.take(), ["c", "b"]);
  });

  it("takes an item larger than maxBytes only when it is empty", () => {
    const queue = new BoundedQueue<string>({ maxItems: 10, maxBytes: 10 });
    queue.offer("small", 1);
    assert.equal(queue.offer("large", 11), -1);
    queue.take();
    assert.equal(queue.offer("large", 11), 0);
    assert.equal(queue.offer("small", 1), -1);
  });

  it("drops its oldest items for a new one when told to, and says how many", () => {
    const queue = new BoundedQueue<string>({ maxItems: 3, maxBytes: 10, overflow: "drop-oldest" });
    queue.offer("a", 3);
    queue.offer("b", 3);
    queue.offer("c", 3);
    assert.equal(queue.offer("d", 6), 2);
    assert.deepEqual(queue.take(), ["c", "d"]);
  });

  it("takes at most maxItems, and after the first item at most maxBytes", () => {
    const queue = new BoundedQueue<string>({ maxItems: 10, maxBytes: 100 });
    for (const item of ["a", "b", "c", "d"]) queue.offer(item, 10);
    assert.deepEqual(queue.take(1), ["a"]);
    assert.deepEqual(queue.take(10, 20), ["b", "c"]);
    assert.deepEqual(queue.take(10, 5), ["d"]);
    assert.deepEqual(queue.take(), []);
  });

  it("holds no taken item", async () => {
    const queue = new BoundedQueue<object>({ maxItems: 10, maxBytes: 100 });
    const first = offerWeakly(queue);
    queue.offer({}, 1);
    queue.take(1);
    // The target of a new WeakRef is held until the turn of the event loop is over.
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    assert.equal(first.deref(), undefined);
  });

  it("behaves as a list that is searched from the front, whatever is done to it", () => {
    // A failure prints the seed and the path that repeat it.
    fc.assert(
      fc.property(scenario, ({ maxItems, maxBytes, overflow, steps }) => {
        const queue = new BoundedQueue<number>({ maxItems, maxBytes, overflow });
        const model = createModel(maxItems, maxBytes, overflow);
        for (const [index, step] of steps.entries()) {
          if (step.kind === "offer") {
            assert.equal(queue.offer(index, step.bytes), model.offer(index, step.bytes));
          } else if (step.kind === "shift") {
            assert.equal(queue.shift(), model.take(1, Number.POSITIVE_INFINITY)[0]);
          } else {
            assert.deepEqual(queue.take(step.items, step.bytes), model.take(step.items, step.bytes));
          }
          assert.equal(queue.length, model.length());
          assert.equal(queue.bytes, model.bytes());
          assert.ok(queue.length <= maxItems);
          assert.ok(queue.bytes <= maxBytes || queue.length === 1);
        }
      }),
    );
  });
});

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

function offerWeakly(queue: BoundedQueue<object>): WeakRef<object> {
  const item = {};
  queue.offer(item, 1);
  return new WeakRef(item);
}

// Long enough for the queue to compact its arrays, which it does from 64 taken items on.
const scenario = fc.record({
  maxItems: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constant(200)),
  maxBytes: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(2000)),
  overflow: fc.constantFrom<Overflow>("refuse", "drop-oldest"),
  steps: fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant("offer" as const), bytes: fc.integer({ min: 0, max: 12 }) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("shift" as const) }) },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant("take" as const),
          items: fc.integer({ min: 0, max: 6 }),
          bytes: fc.integer({ min: 0, max: 30 }),
        }),
      },
    ),
    { minLength: 20, maxLength: 600, size: "max" },
  ),
});

interface Model {
  offer(item: number, bytes: number): number;
  take(maxItems: number, maxBytes: number): number[];
  length(): number;
  bytes(): number;
}

/** The same promises, kept by slow and plain means. */
function createModel(maxItems: number, maxBytes: number, overflow: Overflow): Model {
  let entries: { item: number; bytes: number }[] = [];
  const sum = (list: readonly { bytes: number }[]) => list.reduce((total, { bytes }) => total + bytes, 0);
  const fits = (list: readonly { bytes: number }[]) =>
    list.length <= 1 || (list.length <= maxItems && sum(list) <= maxBytes);
  return {
    offer(item, bytes) {
      const before = entries.length;
      let next = [...entries, { item, bytes }];
      if (!fits(next) && overflow === "refuse") return -1;
      while (!fits(next)) next = next.slice(1);
      entries = next;
      return before + 1 - next.length;
    },
    take(items, bytes) {
      let count = Math.min(items, entries.length);
      while (count > 1 && sum(entries.slice(0, count)) > bytes) count -= 1;
      const taken = entries.slice(0, count);
      entries = entries.slice(count);
      return taken.map(({ item }) => item);
    },
    length: () => entries.length,
    bytes: () => sum(entries),
  };
}
