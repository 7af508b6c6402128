import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LoomError } from "@loom-bridge/protocol";
import { createInMemoryEventLog } from "../../stores/log/in-memory-event-log.ts";
import type { EventLog } from "../log/event-log.ts";
import { createManualRuntime } from "../manual-runtime.ts";
import { createBusWorld, eventOf, idsOf, takeAll } from "./bus-world.test-helper.ts";

const reliable = { window: 4, atLeastOnce: true, settleTimeoutMs: 1000, maxAttempts: 3 } as const;

describe("an unsettled event", () => {
  test("is delivered again when its time is over, one timer for all, until it is settled", () => {
    const { bus, runtime, subscriber, subscribe } = createBusWorld();
    const subscription = subscribe(subscriber("agent"), reliable);
    for (const id of ["1", "2"]) void bus.publish(eventOf("a", id));
    assert.deepEqual(idsOf(takeAll(subscription)), ["1", "2"]);
    assert.equal(runtime.pendingTimers(), 1);
    runtime.advance(500);
    subscription.settle(1, { kind: "working" });
    runtime.advance(500);
    const again = takeAll(subscription);
    assert.deepEqual(
      again.map(({ firstSequence, attempt }) => [firstSequence, attempt]),
      [[2, 2]],
    );
    subscription.acknowledge(2);
    assert.equal(runtime.pendingTimers(), 0);
    runtime.advance(10_000);
    assert.deepEqual(takeAll(subscription), []);
  });

  test("is a first delivery to everybody else who has it in a queue", () => {
    const { bus, runtime, subscriber, subscribe } = createBusWorld();
    const subscription = subscribe(subscriber("agent"), reliable);
    const others = [{ window: 4 }, reliable, { group: "g", ...reliable }].map((request, index) =>
      subscribe(subscriber(`other-${index}`), request),
    );
    void bus.publish(eventOf("a", "1"));
    takeAll(subscription);
    runtime.advance(1000);
    assert.equal(takeAll(subscription)[0]?.attempt, 2);
    for (const other of others) assert.deepEqual([takeAll(other)[0]?.attempt], [1]);
  });

  test("counts in the window until it is settled, not when it is to be retried", () => {
    const { bus, runtime, subscriber, subscribe } = createBusWorld();
    const subscription = subscribe(subscriber("agent"), reliable);
    for (let id = 1; id <= 6; id += 1) void bus.publish(eventOf("a", String(id)));
    assert.deepEqual(idsOf(takeAll(subscription)), ["1", "2", "3", "4"]);
    subscription.settle(2, { kind: "retry", delayMs: 300 });
    assert.deepEqual(takeAll(subscription), []);
    subscription.settle(3, { kind: "acknowledge" });
    assert.deepEqual(idsOf(takeAll(subscription)), ["5"]);
    runtime.advance(299);
    assert.deepEqual(takeAll(subscription), []);
    runtime.advance(1);
    assert.deepEqual(idsOf(takeAll(subscription)), ["2"]);
  });

  test("that was given up is published with why, once, and never of a dead letter itself", () => {
    const { bus, runtime, subscriber, subscribe } = createBusWorld();
    const reader = subscribe(subscriber("reader"), reliable);
    const undertaker = subscribe(subscriber("undertaker"), { ...reliable, filters: ["$dlq.**"] });
    void bus.publish(eventOf("a", "1"));
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      assert.equal(takeAll(reader)[0]?.attempt, attempt);
      runtime.advance(1000);
    }
    assert.deepEqual(takeAll(reader), []);
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const [letter] = takeAll(undertaker).flatMap(({ events }) => events);
      assert.equal(letter?.topic, "$dlq.a");
      assert.match(
        Buffer.from(letter?.body ?? []).toString(),
        /"loom.dlq_attempts":"3","loom.dlq_subscriber":"reader"/,
      );
      runtime.advance(1000);
    }
    assert.deepEqual(takeAll(undertaker), []);
    assert.equal(bus.report().total.drops["given-up"], 2);
    assert.equal(runtime.pendingTimers(), 0);
  });

  test("that was terminated twice, or settled after that, is one dead letter", () => {
    const { bus, subscriber, subscribe } = createBusWorld();
    const reader = subscribe(subscriber("reader"), reliable);
    const undertaker = subscribe(subscriber("undertaker"), { filters: ["$dlq.**"] });
    void bus.publish(eventOf("a", "1"));
    takeAll(reader);
    for (const kind of ["terminate", "terminate", "acknowledge"] as const) {
      reader.settle(1, kind === "terminate" ? { kind, reason: "bad" } : { kind });
    }
    reader.settle(99, { kind: "terminate", reason: "never sent" });
    assert.deepEqual(idsOf(takeAll(undertaker)), ["1"]);
  });

  test("that becomes a dead letter which the log cannot keep still reaches who is here, and the log of the bridge", () => {
    const inner = createInMemoryEventLog({ runtime: createManualRuntime() });
    let isFull = false;
    const append: EventLog["append"] = (event, publishedMs) => {
      if (isFull) throw new LoomError("resource_exhausted", "the log is full");
      return inner.append(event, publishedMs);
    };
    const log: EventLog = Object.assign(Object.create(inner) as EventLog, { append });
    const { bus, errors, subscriber, subscribe } = createBusWorld({ log });
    const reader = subscribe(subscriber("reader"), reliable);
    const undertaker = subscribe(subscriber("undertaker"), { filters: ["$dlq.**"] });
    void bus.publish(eventOf("a", "1"));
    takeAll(reader);
    isFull = true;
    reader.settle(1, { kind: "terminate", reason: "bad" });
    assert.deepEqual(idsOf(takeAll(undertaker)), ["1"]);
    assert.deepEqual(errors, ["an event of the bridge's own could not be kept"]);
  });

  test("leaves no timer and no queue when its subscriber leaves", () => {
    const { bus, runtime, subscriber, subscribe, leave } = createBusWorld();
    const agent = subscriber("agent");
    const subscription = subscribe(agent, reliable);
    void bus.publish(eventOf("a"));
    takeAll(subscription);
    leave(agent);
    assert.equal(runtime.pendingTimers(), 0);
    assert.ok(bus.isEmpty);
  });
});

describe("a durable subscription", () => {
  const durable = { ...reliable, durable: "jobs" };

  test("goes on with what was not settled, in order, and not with what was", () => {
    const { bus, subscriber, subscribe, leave } = createBusWorld();
    const first = subscriber("agent");
    const subscription = subscribe(first, durable);
    for (let id = 1; id <= 6; id += 1) void bus.publish(eventOf("a", String(id)));
    takeAll(subscription);
    subscription.settle(3, { kind: "acknowledge" });
    subscription.settle(1, { kind: "acknowledge" });
    leave(first);
    const second = subscribe(subscriber("agent"), { ...durable, window: 10 });
    assert.deepEqual(idsOf(takeAll(second)), ["2", "4", "5", "6"]);
    assert.equal(bus.report().total.drops["subscriber-left"], 0);
  });

  test("begins where it began when it took nothing, and another agent's is another's", () => {
    const { bus, subscriber, subscribe, leave } = createBusWorld();
    void bus.publish(eventOf("a", "before"));
    const first = subscriber("agent");
    subscribe(first, durable);
    leave(first);
    void bus.publish(eventOf("a", "between"));
    assert.deepEqual(idsOf(takeAll(subscribe(subscriber("other"), durable))), []);
    assert.deepEqual(idsOf(takeAll(subscribe(subscriber("agent"), durable))), ["between"]);
  });

  test("without a window has come as far as it has taken", () => {
    const { bus, subscriber, subscribe, leave } = createBusWorld();
    const first = subscriber("agent");
    const subscription = subscribe(first, { durable: "jobs" });
    for (const id of ["1", "2"]) void bus.publish(eventOf("a", id));
    assert.deepEqual(idsOf(subscription.take(1, 1e9)), ["1"]);
    leave(first);
    assert.deepEqual(idsOf(takeAll(subscribe(subscriber("agent"), { durable: "jobs" }))), ["2"]);
  });

  test("takes no more than 1024 events above one that is not settled", () => {
    const { bus, subscriber, subscribe } = createBusWorld();
    const subscription = subscribe(subscriber("agent"), { ...durable, window: 2 });
    let taken = 0;
    for (let id = 1; id <= 2000; id += 1) {
      void bus.publish(eventOf("a", String(id)));
      for (const { firstSequence } of takeAll(subscription)) {
        taken += 1;
        if (firstSequence > 1) subscription.settle(firstSequence, { kind: "acknowledge" });
      }
    }
    assert.equal(taken, 1025);
    subscription.settle(1, { kind: "acknowledge" });
    assert.deepEqual(idsOf(takeAll(subscription)), ["1026", "1027"]);
  });
});
