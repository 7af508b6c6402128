import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LoomError } from "@loom-bridge/protocol";
import { createManualRuntime } from "../manual-runtime.ts";
import type { BusEvent } from "./bus-event.ts";
import { defaultBusLimits, queueItems } from "./bus-limits.ts";
import { maxCountedTopics } from "./bus-statistics.ts";
import type { BusSubscription } from "./bus-subscription.ts";
import { EventBus } from "./event-bus.ts";
import type { Taken } from "./outlet.ts";
import type { PublishOutcome } from "./publish-outcome.ts";
import type { Subscriber } from "./subscriber.ts";
import type { SubscriptionRequest } from "./subscription-request.ts";

const everything = Number.POSITIVE_INFINITY;

function createWorld() {
  const runtime = createManualRuntime();
  const bus = new EventBus({ runtime, stallTimeoutMs: 30_000 });
  const subscriber = (name: string): Subscriber & { stalls: LoomError[] } => {
    const stalls: LoomError[] = [];
    const created = {
      name,
      stalls,
      entries: new Map(),
      onReady: () => {},
      onStall: (error: LoomError) => {
        stalls.push(error);
        for (const subscription of [...created.entries.keys()]) bus.unsubscribe(created, subscription);
      },
    };
    return created;
  };
  const subscribe = (owner: Subscriber, filter: string, request: Partial<SubscriptionRequest> = {}): BusSubscription =>
    bus.subscribe(owner, { id: 1, filters: [filter], eventTypes: [], quality: "batched", window: 0, ...request });
  return { runtime, bus, subscriber, subscribe };
}

function event(topic: string, id = "e", body = 0): BusEvent {
  return { topic, id, type: "t", sender: "", body: new Uint8Array(body) };
}

function ids(subscription: BusSubscription): string[] {
  return subscription.take(everything, everything).flatMap(({ events }) => events.map(({ id }) => id));
}

function first(subscription: BusSubscription, maxItems = everything): Taken | undefined {
  return subscription.take(maxItems, everything)[0];
}

async function counts(outcome: PublishOutcome | Promise<PublishOutcome>): Promise<number[]> {
  const { matched, queued, dropped } = await outcome;
  return [matched, queued, dropped];
}

describe("routing", async () => {
  test("a publish to nobody returns zeroes and is counted", async () => {
    const { bus } = createWorld();
    assert.deepEqual(await counts(bus.publish(event("a"))), [0, 0, 0]);
    assert.equal(bus.report().total.published, 1);
  });

  test("a subscriber whose filters overlap gets one copy, with the concrete topic", async () => {
    const { bus, subscriber, subscribe } = createWorld();
    const agent = subscriber("agent");
    const exact = subscribe(agent, "market.price.BTC", { id: 1, filters: ["market.price.BTC", "market.**"] });
    const pattern = subscribe(agent, "market.price.*", { id: 2 });
    assert.deepEqual(await counts(bus.publish(event("market.price.BTC"))), [1, 1, 0]);
    assert.deepEqual(
      first(exact, 9)?.events.map(({ topic }) => topic),
      ["market.price.BTC"],
    );
    assert.equal(pattern.backlog, 0);
  });

  test("of overlapping subscriptions the one that loses least gets the event", () => {
    const { bus, subscriber, subscribe } = createWorld();
    const agent = subscriber("agent");
    const realtime = subscribe(agent, "a", { id: 1, quality: "realtime" });
    const background = subscribe(agent, "a", { id: 2, quality: "background" });
    void bus.publish(event("a"));
    assert.deepEqual([realtime.backlog, background.backlog], [0, 1]);
  });

  test("only listed types are delivered, and none listed means all", () => {
    const { bus, subscriber, subscribe } = createWorld();
    const picky = subscribe(subscriber("picky"), "a", { eventTypes: ["x", "y"] });
    const open = subscribe(subscriber("open"), "a");
    for (const type of ["x", "xx", "y"]) void bus.publish({ ...event("a", type), type });
    assert.deepEqual(ids(picky), ["x", "y"]);
    assert.deepEqual(ids(open), ["x", "xx", "y"]);
  });

  test("a wrong topic is refused and nothing is counted", () => {
    const { bus } = createWorld();
    for (const topic of ["", "a..b", "a.*", "a b", ".a", "x".repeat(257)]) {
      assert.throws(() => bus.publish(event(topic)), { code: "invalid_argument" });
    }
    assert.equal(bus.report().total.published, 0);
  });

  test("a subscription with one wrong filter is refused whole", async () => {
    const { bus, subscriber, subscribe } = createWorld();
    const agent = subscriber("agent");
    assert.throws(() => subscribe(agent, "", { filters: ["fine", "a.**.b"] }), { code: "invalid_argument" });
    assert.deepEqual(await counts(bus.publish(event("fine"))), [0, 0, 0]);
  });
});

describe("queues", () => {
  test("hold 512, 2048 and 4096 events", () => {
    const sizes = Object.values(queueItems(defaultBusLimits));
    assert.deepEqual(sizes, [512, 2048, 4096]);
  });

  test("a realtime queue keeps the newest 512 of 1000, announces the gap, and never delays a publisher", () => {
    const { bus, subscriber, subscribe } = createWorld();
    const subscription = subscribe(subscriber("agent"), "a", { quality: "realtime" });
    for (let index = 1; index <= 1000; index += 1) {
      assert.ok(!(bus.publish(event("a", String(index))) instanceof Promise));
    }
    const taken = first(subscription);
    assert.deepEqual(taken?.gap, { first: 1, last: 488, reason: "queue-full" });
    assert.equal(taken?.firstSequence, 489);
    assert.equal(taken?.events.length, 512);
    assert.equal(taken?.events[0]?.id, "489");
    assert.equal(bus.report().total.dropped, 488);
  });

  test("a full batched queue makes the publisher wait; it goes on when one event is taken, in order", async () => {
    const { bus, subscriber, subscribe } = createWorld();
    const subscription = subscribe(subscriber("agent"), "a");
    for (let index = 1; index <= 2048; index += 1) void bus.publish(event("a", String(index)));
    const waiting = bus.publish(event("a", "2049"));
    assert.ok(waiting instanceof Promise);
    assert.equal(subscription.backlog, 2048);
    assert.equal(first(subscription, 1)?.events[0]?.id, "1");
    assert.deepEqual(await counts(waiting), [1, 1, 0]);
    assert.deepEqual(
      ids(subscription),
      Array.from({ length: 2048 }, (_, index) => String(index + 2)),
    );
  });

  test("a queue is full at 8 MiB too", () => {
    const { bus, subscriber, subscribe } = createWorld();
    const subscription = subscribe(subscriber("agent"), "a");
    for (let index = 0; index < 7; index += 1) void bus.publish(event("a", "big", 1024 * 1024));
    assert.ok(!(bus.publish(event("a", "small", 1024)) instanceof Promise));
    assert.ok(bus.publish(event("a", "big", 1024 * 1024)) instanceof Promise);
    assert.equal(subscription.backlog, 8);
  });

  test("a full queue delays nobody else's events", () => {
    const { bus, subscriber, subscribe } = createWorld();
    subscribe(subscriber("slow"), "a");
    const quick = subscribe(subscriber("quick"), "a", { quality: "realtime" });
    for (let index = 0; index < 2048; index += 1) void bus.publish(event("a"));
    assert.ok(bus.publish(event("a", "late")) instanceof Promise);
    assert.equal(ids(quick).at(-1), "late");
  });

  test("a subscriber that takes nothing while publishers wait is given up, and its publishers go on", async () => {
    const { bus, runtime, subscriber, subscribe } = createWorld();
    const slow = subscriber("slow");
    subscribe(slow, "a");
    for (let index = 0; index < 2048; index += 1) void bus.publish(event("a"));
    const waiting = bus.publish(event("a"));
    runtime.advance(29_999);
    assert.equal(slow.stalls.length, 0);
    runtime.advance(1);
    assert.match(slow.stalls[0]?.message ?? "", /2048 events are queued, 1 publishers wait/);
    assert.deepEqual(await counts(waiting), [1, 0, 1]);
    assert.equal(bus.report().total.dropped, 2049);
    assert.equal(runtime.pendingTimers(), 0);
  });

  test("a subscriber that takes something has its time again", () => {
    const { bus, runtime, subscriber, subscribe } = createWorld();
    const slow = subscriber("slow");
    const subscription = subscribe(slow, "a");
    for (let index = 0; index < 2050; index += 1) void bus.publish(event("a"));
    runtime.advance(29_000);
    subscription.take(1, everything);
    runtime.advance(29_000);
    assert.equal(slow.stalls.length, 0);
    subscription.take(1, everything);
    assert.equal(runtime.pendingTimers(), 0);
  });
});

describe("a window", () => {
  test("stops the events until they are acknowledged", () => {
    const { bus, subscriber, subscribe } = createWorld();
    const subscription = subscribe(subscriber("agent"), "a", { window: 3 });
    for (let index = 1; index <= 5; index += 1) void bus.publish(event("a", String(index)));
    assert.deepEqual(ids(subscription), ["1", "2", "3"]);
    assert.deepEqual(ids(subscription), []);
    subscription.acknowledge(2);
    assert.deepEqual(ids(subscription), ["4", "5"]);
    subscription.acknowledge(99);
    void bus.publish(event("a", "6"));
    assert.deepEqual(ids(subscription), ["6"]);
  });

  test("does not count events that were dropped", () => {
    const { bus, subscriber, subscribe } = createWorld();
    const subscription = subscribe(subscriber("agent"), "a", { quality: "realtime", window: 2 });
    for (let index = 1; index <= 600; index += 1) void bus.publish(event("a", String(index)));
    assert.deepEqual(ids(subscription), ["89", "90"]);
    subscription.acknowledge(90);
    assert.deepEqual(ids(subscription), ["91", "92"]);
  });
});

describe("statistics", () => {
  test("count what was published, delivered, dropped and is queued, by topic", () => {
    const { bus, subscriber, subscribe } = createWorld();
    const agent = subscriber("agent");
    const subscription = subscribe(agent, "a.*");
    for (const topic of ["a.b", "a.b", "a.c", "other"]) void bus.publish(event(topic));
    subscription.take(1, everything);
    const { topics, total } = bus.report();
    const rows = [...topics, total].map((row) => [
      row.topic,
      row.published,
      row.delivered,
      row.dropped,
      row.backlog,
      row.activeSubscriptions,
    ]);
    assert.deepEqual(rows, [
      ["a.b", 2, 2, 0, 1, 1],
      ["a.c", 1, 1, 0, 1, 1],
      ["other", 1, 0, 0, 0, 0],
      ["", 4, 3, 0, 2, 1],
    ]);
    bus.unsubscribe(agent, subscription);
    assert.deepEqual([bus.report().total.dropped, bus.report().total.drops["subscriber-left"]], [2, 2]);
    assert.deepEqual(
      bus.report().topics.map(({ drops }) => drops["subscriber-left"]),
      [1, 1, 0],
    );
  });

  test("10,000 topics that came and went leave nothing", () => {
    const { bus, subscriber, subscribe } = createWorld();
    const agent = subscriber("agent");
    for (let index = 0; index < 10_000; index += 1) {
      const subscription = subscribe(agent, `topic.${index}`);
      void bus.publish(event(`topic.${index}`));
      bus.unsubscribe(agent, subscription);
      bus.unsubscribe(agent, subscription);
    }
    assert.ok(bus.isEmpty);
    assert.equal(bus.report().total.published, 10_000);
  });

  test("topics without subscribers are forgotten when there are too many, the busy ones last", () => {
    const { bus } = createWorld();
    for (let index = 0; index < 5_000; index += 1) {
      void bus.publish(event(`topic.${index}`));
      void bus.publish(event("busy"));
    }
    const { topics, total } = bus.report();
    assert.ok(topics.length <= maxCountedTopics);
    assert.equal(topics.find(({ topic }) => topic === "busy")?.published, 5_000);
    assert.equal(total.published, 10_000);
  });
});
