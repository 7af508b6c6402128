import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as settled } from "node:timers/promises";
import { createBusWorld, eventOf, takeAll } from "./bus-world.test-helper.ts";
import type { OverflowPolicy } from "./quality.ts";

const stallTimeoutMs = 1000;
/** Longer than a queue of 2048 takes to fill and a stall to end. */
const durationMs = 5000;
const stepMs = 10;
const eventsPerStep = 10;

/** Two publishers, each at its pace whatever happens, and 99 subscribers that take at once what there is. */
async function measure(overflow: OverflowPolicy) {
  const { runtime, bus, subscriber, subscribe } = createBusWorld({ stallTimeoutMs });
  const live = Array.from({ length: 99 }, (_, index) => {
    return subscribe(subscriber(`live-${index}`), { filters: ["shared", "other"] });
  });
  const dead = subscriber("dead");
  subscribe(dead, { filters: ["shared"], overflow });
  /** What waits to be published on each topic, by when it was to be. */
  const lines = { shared: [] as number[], other: [] as number[] };
  const waiting = new Set<string>();
  const delays = { shared: [] as number[], other: [] as number[] };
  let published = 0;
  const publishNext = (topic: keyof typeof lines): void => {
    while (!waiting.has(topic)) {
      const dueMs = lines[topic].shift();
      if (dueMs === undefined) return;
      published += 1;
      const outcome = bus.publish(eventOf(topic, String(dueMs), "", String(published)));
      if (!(outcome instanceof Promise)) continue;
      waiting.add(topic);
      void outcome.then(() => {
        waiting.delete(topic);
        publishNext(topic);
      });
    }
  };
  for (let nowMs = 0; nowMs < durationMs; nowMs += stepMs) {
    for (const topic of ["shared", "other"] as const) {
      for (let count = 0; count < eventsPerStep; count += 1) lines[topic].push(nowMs);
      publishNext(topic);
    }
    for (const subscription of live) {
      for (const { topic, id } of takeAll(subscription).flatMap(({ events }) => events)) {
        delays[topic as keyof typeof delays].push(nowMs - Number(id));
      }
    }
    runtime.advance(stepMs);
    // Whoever waited goes on.
    await settled();
  }
  return { delays, stalls: dead.stalls };
}

const expected = (durationMs / stepMs) * eventsPerStep * 99;

test("one dead subscriber of a hundred delays no event of anybody else under any policy but block", async () => {
  for (const policy of ["drop-oldest", "drop-newest", "latest-per-key", "evict"] as const) {
    const { delays, stalls } = await measure(policy);
    for (const each of [delays.shared, delays.other]) {
      assert.equal(each.length, expected);
      assert.equal(Math.max(...new Set(each)), 0, policy);
    }
    assert.equal(stalls.length, policy === "evict" ? 1 : 0);
  }
});

test("one dead subscriber of a hundred delays, under the policy block, the events of its topics, once and for no longer than the stall timeout", async () => {
  const { delays, stalls } = await measure("block");
  assert.equal(stalls.length, 1);
  assert.equal(delays.shared.length, expected);
  const late = delays.shared.filter((delayMs) => delayMs > 0);
  assert.ok(late.length > 0 && Math.max(...new Set(late)) <= stallTimeoutMs);
  // Those that were to be published while the one was waited for, and no others.
  assert.ok(late.length <= (stallTimeoutMs / stepMs) * eventsPerStep * 99);
  assert.equal(Math.max(...new Set(delays.shared.slice(-expected / 4))), 0);
  assert.equal(delays.other.length, expected);
  assert.equal(Math.max(...new Set(delays.other)), 0);
});
