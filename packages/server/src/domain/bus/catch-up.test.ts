import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { createSqliteEventLog } from "../../stores/log/sqlite-event-log.ts";
import { createManualRuntime } from "../manual-runtime.ts";
import { createBusWorld, eventOf, idsOf, takeAll } from "./bus-world.test-helper.ts";

describe("catching up", () => {
  test("goes live without a hole and without a double, however reading and publishing interleave", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("publish" as const), topic: fc.constantFrom("a", "b", "c") }),
      fc.record({ kind: fc.constant("take" as const), max: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ kind: fc.constant("subscribe" as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), fc.integer({ min: 0, max: 700 }), (steps, before) => {
        const { bus, log, subscriber, subscribe } = createBusWorld();
        const agent = subscriber("agent");
        const published: number[] = [];
        const publish = (topic: string): void => {
          assert.ok(!(bus.publish(eventOf(topic)) instanceof Promise));
          if (topic !== "c") published.push(log.head);
        };
        for (let count = 0; count < before; count += 1) publish("abc"[count % 3] ?? "a");
        const start = { kind: "after", offset: 0, logId: "" } as const;
        let subscription = subscribe(agent, { filters: ["a", "b"], start });
        let seen: number[] = [];
        for (const each of steps) {
          if (each.kind === "publish") publish(each.topic);
          else if (each.kind === "take") {
            for (const { events } of subscription.take(each.max, 1e9)) seen.push(...events.map(({ offset }) => offset));
          } else {
            // A resume: after the last event that was seen.
            bus.unsubscribe(agent, subscription);
            subscription = subscribe(agent, { filters: ["a", "b"], start: { ...start, offset: seen.at(-1) ?? 0 } });
          }
        }
        seen = [...seen, ...takeAll(subscription).flatMap(({ events }) => events.map(({ offset }) => offset))];
        assert.deepEqual(seen, published);
      }),
    );
  });

  test("goes live between a commit and what it brings without a double", async () => {
    const directory = mkdtempSync(join(tmpdir(), "catch-up-"));
    const runtime = createManualRuntime();
    const log = await createSqliteEventLog({ path: join(directory, "log.db"), runtime });
    const { bus, subscriber, subscribe } = createBusWorld({ runtime, log });
    const start = { kind: "after", offset: 0, logId: "" } as const;
    const subscription = subscribe(subscriber("agent"), { start });
    const first = bus.publish(eventOf("a", "1"));
    let early: string[] = [];
    const reading = log.kept()?.then(() => (early = idsOf(takeAll(subscription))));
    await Promise.all([first, reading, bus.publish(eventOf("a", "2"))]);
    assert.deepEqual([early, idsOf(takeAll(subscription))], [["1", "2"], []]);
    await log.close();
    rmSync(directory, { recursive: true });
  });

  test("announces what is no longer kept with a number of its own, also when it goes while it reads", () => {
    const { bus, subscriber, subscribe } = createBusWorld({ limits: { topicMessages: 300 } });
    for (let count = 1; count <= 310; count += 1) void bus.publish(eventOf("a", String(count)));
    const start = { kind: "after", offset: 5, logId: "" } as const;
    const subscription = subscribe(subscriber("agent"), { start });
    const [first] = subscription.take(256, 1e9);
    assert.deepEqual(first?.gap, { first: 1, last: 1, reason: "not-retained" });
    assert.deepEqual([first?.firstSequence, first?.events[0]?.id, first?.events.length], [2, "11", 256]);
    for (let count = 311; count <= 700; count += 1) void bus.publish(eventOf("a", String(count)));
    const rest = takeAll(subscription);
    assert.deepEqual(rest[0]?.gap, { first: 258, last: 258, reason: "not-retained" });
    assert.deepEqual([idsOf(rest)[0], idsOf(rest).length], ["401", 300]);
  });

  test("never makes publishers wait, for what is kept needs no queue", () => {
    const { bus, subscriber, subscribe } = createBusWorld({ limits: { topicMessages: 10_000, topicBytes: 1e9 } });
    const start = { kind: "after", offset: 0, logId: "" } as const;
    const subscription = subscribe(subscriber("agent"), { start });
    for (let count = 0; count < 5000; count += 1) assert.ok(!(bus.publish(eventOf("a")) instanceof Promise));
    assert.ok(subscription.backlog <= 256);
    assert.equal(idsOf(takeAll(subscription)).length, 5000);
  });

  test("of overlapping subscriptions that resume together brings one copy of each event", () => {
    const { bus, subscriber, subscribe } = createBusWorld();
    for (const topic of ["x.a", "x.b", "x.a"]) void bus.publish(eventOf(topic, topic));
    const agent = subscriber("agent");
    const start = { kind: "after", offset: 0, logId: "" } as const;
    const narrow = subscribe(agent, { id: 2, filters: ["x.a"], start, quality: "background" });
    const wide = subscribe(agent, { id: 1, filters: ["x.*"], start });
    assert.deepEqual(idsOf(takeAll(wide)), ["x.b"]);
    assert.deepEqual(idsOf(takeAll(narrow)), ["x.a", "x.a"]);
    const again = subscribe(agent, { id: 3, filters: ["x.*"], start });
    assert.deepEqual(idsOf(takeAll(again)), ["x.a", "x.b", "x.a"]);
  });

  test("what the bridge says of itself is not kept, and comes while others catch up", () => {
    const { bus, log, subscriber, subscribe } = createBusWorld();
    const start = { kind: "after", offset: 0, logId: "" } as const;
    const subscription = subscribe(subscriber("agent"), { filters: ["$sys.**", "a"], start });
    bus.announce(eventOf("$sys.news", "news"));
    assert.equal(log.head, 0);
    assert.deepEqual(idsOf(takeAll(subscription)), ["news"]);
    assert.throws(() => bus.publish(eventOf("$sys.news")), { code: "permission_denied" });
    assert.throws(() => bus.publish(eventOf("$other")), { code: "permission_denied" });
  });
});
