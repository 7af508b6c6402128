import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createBusWorld, eventOf, idsOf, takeAll } from "./bus-world.test-helper.ts";

const share = { group: "workers", window: 2, atLeastOnce: true, maxAttempts: 3 } as const;

describe("a group", () => {
  test("gives each event to the least busy member that has room, and queues the rest", () => {
    const { bus, subscriber, subscribe } = createBusWorld();
    const one = subscribe(subscriber("one"), share);
    const two = subscribe(subscriber("two"), { ...share, window: 4 });
    for (let id = 1; id <= 8; id += 1) void bus.publish(eventOf("a", String(id)));
    assert.deepEqual(
      [idsOf(takeAll(one)), idsOf(takeAll(two))],
      [
        ["1", "3"],
        ["2", "4", "5", "6"],
      ],
    );
    assert.deepEqual([one.backlog, one.groupMembers, bus.report().total.backlog], [2, 2, 2]);
    one.acknowledge(1);
    assert.deepEqual([idsOf(takeAll(one)), idsOf(takeAll(two))], [["7"], []]);
    assert.deepEqual(bus.report().total.activeSubscriptions, 2);
    assert.deepEqual([...bus.subscribersOf("a")], ["one", "two"]);
  });

  test("of members without a window lets none take everything", () => {
    const { bus, subscriber, subscribe } = createBusWorld();
    const members = ["one", "two"].map((name) => subscribe(subscriber(name), { group: "g" }));
    for (let id = 1; id <= 100; id += 1) void bus.publish(eventOf("a"));
    assert.deepEqual(
      members.map((member) => idsOf(takeAll(member)).length),
      [50, 50],
    );
  });

  test("hands on what a dead member had, what was delivered first and as another attempt", () => {
    const { bus, runtime, subscriber, subscribe, leave } = createBusWorld();
    const dead = subscriber("dead");
    const one = subscribe(dead, share);
    for (let id = 1; id <= 3; id += 1) void bus.publish(eventOf("a", String(id)));
    assert.deepEqual(idsOf(one.take(1, 1e9)), ["1"]);
    const two = subscribe(subscriber("alive"), { ...share, window: 9 });
    leave(dead);
    const batches = takeAll(two);
    assert.deepEqual(
      batches.map(({ events, attempt, firstSequence }) => [events.map(({ id }) => id).join(), attempt, firstSequence]),
      [
        ["3", 1, 1],
        ["1", 2, 2],
        ["2", 1, 3],
      ],
    );
    two.acknowledge(3);
    assert.equal(runtime.pendingTimers(), 0);
  });

  test("whose members have all gone goes on with what they had and what came since, if one is back in two minutes", () => {
    const { bus, runtime, subscriber, subscribe, leave } = createBusWorld();
    const members = ["one", "two"].map(subscriber);
    const [one, two] = members.map((each) => subscribe(each, share));
    for (let id = 1; id <= 6; id += 1) void bus.publish(eventOf("a", String(id)));
    assert.deepEqual(
      [one, two].map((each) => each && idsOf(takeAll(each)).join()),
      ["1,3", "2,4"],
    );
    one?.settle(1, { kind: "acknowledge" });
    members.forEach(leave);
    assert.ok(bus.isEmpty);
    void bus.publish(eventOf("a", "7"));
    runtime.advance(119_999);
    const back = subscribe(subscriber("two"), { ...share, window: 9, start: { kind: "after", offset: 99, logId: "" } });
    const batches = takeAll(back);
    assert.deepEqual(idsOf(batches).sort(), ["2", "3", "4", "5", "6", "7"]);
    assert.deepEqual(
      batches
        .filter(({ attempt }) => attempt === 2)
        .flatMap(({ events }) => events.map(({ id }) => id))
        .sort(),
      ["2", "3", "4"],
    );
    back.acknowledge(6);
    assert.equal(bus.report().total.backlog, 0);
    runtime.advance(1);
    assert.equal(runtime.pendingTimers(), 0);
    assert.equal(bus.report().total.dropped, 0);
  });

  test("whose members have all gone is forgotten after two minutes, and what they had is counted as lost", () => {
    const { bus, runtime, subscriber, subscribe, leave } = createBusWorld();
    const gone = subscriber("gone");
    const one = subscribe(gone, share);
    void bus.publish(eventOf("a", "1"));
    takeAll(one);
    leave(gone);
    runtime.advance(120_000);
    assert.equal(bus.report().total.drops["subscriber-left"], 1);
    void bus.publish(eventOf("a", "2"));
    assert.deepEqual(idsOf(takeAll(subscribe(subscriber("late"), share))), []);
    assert.equal(runtime.pendingTimers(), 0);
  });

  test("of the same name that wants other events does not go on where the other stood", () => {
    const { bus, subscriber, subscribe, leave } = createBusWorld();
    const first = subscriber("first");
    subscribe(first, share);
    leave(first);
    void bus.publish(eventOf("b", "1"));
    assert.deepEqual(idsOf(takeAll(subscribe(subscriber("second"), { ...share, filters: ["b"] }))), []);
    bus.close();
  });

  test("delivered at most once hands on only what was not sent", () => {
    const { bus, subscriber, subscribe, leave } = createBusWorld();
    const once = { group: "workers", window: 2 };
    const first = subscriber("first");
    const one = subscribe(first, once);
    for (let id = 1; id <= 3; id += 1) void bus.publish(eventOf("a", String(id)));
    assert.deepEqual(idsOf(one.take(1, 1e9)), ["1"]);
    const two = subscribe(subscriber("second"), { ...once, window: 5 });
    leave(first);
    assert.deepEqual(idsOf(takeAll(two)).sort(), ["2", "3"]);
  });

  test("gives up what as many members died of as it may have attempts", () => {
    const { bus, subscriber, subscribe, leave } = createBusWorld();
    const undertaker = subscribe(subscriber("undertaker"), { filters: ["$dlq.a"] });
    let victim = subscriber("victim 0");
    let member = subscribe(victim, share);
    void bus.publish(eventOf("a", "poison"));
    for (let death = 1; death <= 3; death += 1) {
      assert.deepEqual(
        takeAll(member).map(({ attempt }) => attempt),
        [death],
      );
      const next = subscriber(`victim ${death}`);
      member = subscribe(next, share);
      leave(victim);
      victim = next;
    }
    assert.deepEqual(takeAll(member), []);
    assert.deepEqual(idsOf(takeAll(undertaker)), ["poison"]);
  });

  test("that is durable goes on where its last member left", () => {
    const { bus, subscriber, subscribe, leave } = createBusWorld();
    const durable = { ...share, durable: "jobs" };
    const first = subscriber("first");
    const one = subscribe(first, durable);
    for (let id = 1; id <= 4; id += 1) void bus.publish(eventOf("a", String(id)));
    takeAll(one);
    one.settle(2, { kind: "acknowledge" });
    leave(first);
    void bus.publish(eventOf("a", "5"));
    const two = subscribe(subscriber("second"), { ...durable, window: 9 });
    assert.deepEqual(idsOf(takeAll(two)), ["1", "3", "4", "5"]);
    assert.equal(bus.report().total.drops["subscriber-left"], 0);
  });

  test("whose members take nothing while publishers wait loses them all, and the publishers go on", async () => {
    const { bus, runtime, subscriber, subscribe } = createBusWorld();
    const slow = subscriber("slow");
    subscribe(slow, share);
    let waiting: unknown;
    for (let id = 1; id <= 2051; id += 1) waiting = bus.publish(eventOf("a"));
    assert.ok(waiting instanceof Promise);
    runtime.advance(30_000);
    assert.equal((await waiting).dropped, 1);
    assert.equal(slow.stalls.length, 1);
    assert.ok(bus.report().total.activeSubscriptions === 0);
  });

  test("refuses a member that asks for something else, and stays as it is", () => {
    const { subscriber, subscribe } = createBusWorld();
    const one = subscribe(subscriber("one"), share);
    for (const other of [
      { filters: ["b"] },
      { atLeastOnce: false },
      { durable: "x" },
      { quality: "background" },
    ] as const) {
      assert.throws(() => subscribe(subscriber("two"), { ...share, ...other }), { code: "failed_precondition" });
    }
    assert.equal(one.groupMembers, 1);
  });
});
