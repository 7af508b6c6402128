import assert from "node:assert/strict";
import { defineTool } from "@loom-bridge/client";
import { bridgeTest } from "@loom-bridge/testing/node";
import { z } from "zod";
import { countReconnects } from "../soak/count-reconnects.ts";

bridgeTest(
  "a handler that throws is given the event again, and what it gives up goes to the dead letters",
  async (bridge) => {
    const attempts: number[] = [];
    const undertaker = await bridge.probe("undertaker", { topics: ["$dlq.jobs.**"] });
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
            else if (attempt < 3) context.settle.retry({ delayMs: 60_000 });
          },
        },
      ],
    });
    const boss = await bridge.probe("boss");
    await boss.publish("jobs.a", {}, { type: "hard" });
    await boss.publish("jobs.a", {}, { type: "hopeless" });
    await undertaker.expectNext({ topic: "$dlq.jobs.a", type: "hopeless" });
    await bridge.clock.advance("2m");
    assert.deepEqual(
      attempts.toSorted((a, b) => a - b),
      [1, 1, 2, 3],
    );
  },
);

bridgeTest(
  "a handler may take longer than the settle timeout, and its event is not delivered again",
  async (bridge) => {
    let runs = 0;
    let hasFinished = false;
    await bridge.agent({
      id: "worker",
      subscriptions: [
        {
          filters: "jobs.*",
          delivered: "at-least-once",
          settleTimeoutMs: 100,
          async handler() {
            runs += 1;
            await new Promise<void>((resolve) => void bridge.bridge.runtime.setTimer(resolve, 60_000));
            hasFinished = true;
          },
        },
      ],
    });
    const boss = await bridge.probe("boss");
    await boss.publish("jobs.a", {}, { type: "long" });
    await bridge.clock.advance("2m");
    assert.deepEqual([runs, hasFinished], [1, true]);
  },
);

bridgeTest("a handler that runs while the connection breaks is not run again for the same event", async (bridge) => {
  const { promise: mayFinish, resolve: finish } = Promise.withResolvers<void>();
  const seen: string[] = [];
  const worker = await bridge.agent({
    id: "worker",
    subscriptions: [
      {
        filters: "jobs.*",
        delivered: "at-least-once",
        async handler(_context, { type }) {
          seen.push(type);
          await mayFinish;
        },
      },
    ],
  });
  const boss = await bridge.probe("boss");
  await boss.publish("jobs.a", {}, { type: "first" });
  await bridge.clock.runUntil(() => seen.length === 1);
  const back = countReconnects(worker);
  bridge.cut();
  await bridge.clock.runUntil(() => back.count === 1);
  await boss.publish("jobs.a", {}, { type: "second" });
  finish();
  await bridge.clock.advance("5m");
  assert.deepEqual(seen, ["first", "second"]);
});

bridgeTest(
  "a call that may run twice survives a lost connection, and of another it is said that it may have run",
  async (bridge) => {
    const runs: string[] = [];
    const create = (name: string, effect: "read" | "once") =>
      defineTool({
        name,
        effect,
        description: "Takes its time",
        input: z.object({}),
        async run() {
          runs.push(name);
          await new Promise<void>((resolve) => void bridge.bridge.runtime.setTimer(resolve, 2000));
          return name;
        },
      });
    const [read, once] = [create("clock:read", "read"), create("bank:pay", "once")];
    await bridge.agent({ id: "provider", tools: [read, once] });
    const caller = await bridge.agent({ id: "caller" });
    const reading = caller.callTool(read, {});
    const paying = assert.rejects(caller.callTool(once, {}), {
      name: "OutcomeUnknownError",
      details: { outcome: "UNKNOWN" },
    });
    await bridge.clock.runUntil(() => runs.length === 2);
    bridge.cut();
    await bridge.run(paying);
    assert.equal(await bridge.run(reading), "clock:read");
    assert.equal(runs.filter((name) => name === "bank:pay").length, 1);
  },
);
