import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { defineTool } from "@loom-bridge/client";
import { createTestBridge } from "@loom-bridge/testing";
import { z } from "zod";
import { Inbox } from "../inbox.ts";
import { countReconnects } from "../soak/count-reconnects.ts";

/** A test has no time to be polite. */
const reconnect = { firstDelayMs: 2, maxDelayMs: 20, stableAfterMs: 20 };

test("a handler that throws is given the event again, and what it gives up goes to the dead letters", async () => {
  await using bridge = createTestBridge();
  const dead = new Inbox();
  const attempts: number[] = [];
  await bridge.agent({ id: "undertaker", topics: ["$dlq.jobs.**"], onEvent: dead.onEvent });
  await bridge.agent({
    id: "worker",
    onError: () => {},
    subscriptions: [
      {
        filters: "jobs.*",
        delivered: "at-least-once",
        handler(context, { attempt, type }) {
          attempts.push(attempt);
          if (type === "hopeless") context.settle.terminate("no such job");
          else if (attempt < 3) context.settle.retry({ delayMs: 1 });
        },
      },
    ],
  });
  const boss = await bridge.agent({ id: "boss" });
  await boss.publish("jobs.a", { type: "hard" });
  await boss.publish("jobs.a", { type: "hopeless" });
  const [letter] = await dead.received(1);
  assert.deepEqual([letter?.topic, letter?.type], ["$dlq.jobs.a", "hopeless"]);
  while (attempts.length < 4) await pause(1);
  assert.deepEqual(
    attempts.toSorted((a, b) => a - b),
    [1, 1, 2, 3],
  );
});

test("a handler may take longer than the settle timeout, and its event is not delivered again", async () => {
  await using bridge = createTestBridge();
  let runs = 0;
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  await bridge.agent({
    id: "worker",
    subscriptions: [
      {
        filters: "jobs.*",
        delivered: "at-least-once",
        settleTimeoutMs: 100,
        async handler() {
          runs += 1;
          await pause(400);
          finish();
        },
      },
    ],
  });
  const boss = await bridge.agent({ id: "boss" });
  await boss.publish("jobs.a", { type: "long" });
  await finished;
  await pause(150);
  assert.equal(runs, 1);
});

test("a handler that runs while the connection breaks is not run again for the same event", async () => {
  await using bridge = createTestBridge();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: mayFinish, resolve: finish } = Promise.withResolvers<void>();
  const seen: string[] = [];
  const worker = await bridge.agent({
    id: "worker",
    reconnect,
    subscriptions: [
      {
        filters: "jobs.*",
        delivered: "at-least-once",
        async handler(_context, { type }) {
          seen.push(type);
          begin();
          await mayFinish;
        },
      },
    ],
  });
  const boss = await bridge.agent({ id: "boss", reconnect });
  await boss.publish("jobs.a", { type: "first" });
  await begun;
  const back = countReconnects(worker);
  bridge.cut();
  while (back.count === 0) await pause(1);
  await boss.publish("jobs.a", { type: "second" });
  finish();
  while (seen.length < 2) await pause(1);
  await worker.stop();
  assert.deepEqual(seen, ["first", "second"]);
});

test("a call that may run twice survives a lost connection, and of another it is said that it may have run", async () => {
  await using bridge = createTestBridge();
  const runs: string[] = [];
  const create = (name: string, effect: "read" | "once") =>
    defineTool({
      name,
      effect,
      description: "Takes its time",
      input: z.object({}),
      async run() {
        runs.push(name);
        await pause(20);
        return name;
      },
    });
  const [read, once] = [create("clock:read", "read"), create("bank:pay", "once")];
  await bridge.agent({ id: "provider", reconnect, tools: [read, once] });
  const caller = await bridge.agent({ id: "caller", reconnect });
  const reading = caller.callTool(read, {});
  const paying = assert.rejects(caller.callTool(once, {}), {
    name: "OutcomeUnknownError",
    details: { outcome: "UNKNOWN" },
  });
  while (runs.length < 2) await pause(1);
  bridge.cut();
  await paying;
  assert.equal(await reading, "clock:read");
  assert.equal(runs.filter((name) => name === "bank:pay").length, 1);
});
