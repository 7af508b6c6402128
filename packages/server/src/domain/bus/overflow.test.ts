import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createBusWorld, eventOf, idsOf, takeAll } from "./bus-world.test-helper.ts";

describe("a full queue", () => {
  test("that drops the newest announces them at the end of what was queued, and counts them", () => {
    const { bus, subscriber, subscribe } = createBusWorld();
    const subscription = subscribe(subscriber("agent"), { quality: "realtime", overflow: "drop-newest" });
    for (let id = 1; id <= 515; id += 1) void bus.publish(eventOf("a", String(id)));
    assert.equal(idsOf(subscription.take(500, 1e9)).at(-1), "500");
    void bus.publish(eventOf("a", "516"));
    const rest = takeAll(subscription);
    assert.deepEqual(
      rest.map(({ gap, firstSequence, events }) => [gap?.first, gap?.last, firstSequence, events.length]),
      [
        [undefined, undefined, 501, 12],
        [513, 515, 516, 1],
      ],
    );
    assert.deepEqual([bus.report().total.drops["queue-full"], bus.report().total.dropped], [3, 3]);
  });

  test("tells its own subscriber what was lost, and none of the others that have the same events", () => {
    const { bus, subscriber, subscribe } = createBusWorld();
    const slow = subscribe(subscriber("slow"), { quality: "realtime", overflow: "drop-newest" });
    const others = ["one", "other"].map((name) => subscribe(subscriber(name), { quality: "batched" }));
    for (let id = 1; id <= 515; id += 1) void bus.publish(eventOf("a", String(id)));
    for (const other of others) {
      assert.deepEqual(
        takeAll(other, 1000).map(({ gap, events }) => [gap, events.length]),
        [[undefined, 515]],
      );
    }
    assert.equal(takeAll(slow, 1000)[1]?.gap?.first, 513);
  });

  test("that keeps the latest of each key holds the newest ones in order, whatever the queue's state", () => {
    const { bus, subscriber, subscribe } = createBusWorld();
    const subscription = subscribe(subscriber("agent"), { quality: "realtime", overflow: "latest-per-key" });
    for (const [id, key] of Object.entries({ 1: "x", 2: "y", 3: "x" })) void bus.publish(eventOf("a", id, "", key));
    assert.deepEqual(idsOf(takeAll(subscription)), ["2", "3"]);
    for (let id = 1; id <= 600; id += 1) void bus.publish(eventOf("a", String(id), "", String(id)));
    const [batch] = takeAll(subscription, 1000);
    assert.deepEqual([batch?.gap, batch?.events.length], [{ first: 4, last: 91, reason: "queue-full" }, 512]);
    assert.deepEqual(bus.report().total.drops, { "queue-full": 88, replaced: 1, "subscriber-left": 0, "given-up": 0 });
    assert.equal(bus.report().total.backlog, 0);
  });

  test("whose policy is eviction ends the subscriber, and its publisher goes on", () => {
    const { bus, subscriber, subscribe } = createBusWorld();
    const slow = subscriber("slow");
    subscribe(slow, { quality: "realtime", overflow: "evict" });
    for (let id = 1; id <= 512; id += 1) void bus.publish(eventOf("a"));
    assert.equal(slow.stalls.length, 0);
    const outcome = bus.publish(eventOf("a"));
    assert.ok(!(outcome instanceof Promise));
    assert.deepEqual(outcome.drops, [{ reason: "queue-full", count: 1 }]);
    assert.match(slow.stalls[0]?.message ?? "", /512 events are queued/);
    assert.deepEqual(bus.report().total.drops["subscriber-left"], 512);
    assert.equal(bus.report().total.activeSubscriptions, 0);
  });

  test("makes no announcement of the bridge's wait", () => {
    const { bus, runtime, subscriber, subscribe } = createBusWorld();
    const subscription = subscribe(subscriber("slow"), { filters: ["$sys.**"] });
    for (let id = 1; id <= 2050; id += 1) bus.announce(eventOf("$sys.a", String(id)));
    assert.equal(runtime.pendingTimers(), 0);
    const batches = takeAll(subscription, 5000);
    assert.deepEqual(batches.at(-1)?.gap, { first: 2049, last: 2050, reason: "queue-full" });
  });

  test("whose subscriber leaves tells the publisher that waited why", async () => {
    const { bus, subscriber, subscribe, leave } = createBusWorld();
    const slow = subscriber("slow");
    subscribe(slow);
    for (let id = 1; id <= 2048; id += 1) void bus.publish(eventOf("a"));
    const waiting = bus.publish(eventOf("a"));
    leave(slow);
    assert.deepEqual((await waiting).drops, [{ reason: "subscriber-left", count: 1 }]);
  });
});

test("when memory is short, the subscriber whose queue holds most is given up, and nobody where none holds much", () => {
  const { bus, subscriber, subscribe } = createBusWorld();
  const [small, large] = [subscriber("small"), subscriber("large")];
  subscribe(small, { filters: ["some"] });
  subscribe(large, { filters: ["some", "more"] });
  void bus.publish({ ...eventOf("some"), body: new Uint8Array(40_000) });
  assert.equal(bus.evictLargest(), false);
  void bus.publish({ ...eventOf("more"), body: new Uint8Array(40_000) });
  assert.equal(bus.evictLargest(), true);
  assert.deepEqual([small.stalls.length, large.stalls[0]?.code], [0, "resource_exhausted"]);
});
