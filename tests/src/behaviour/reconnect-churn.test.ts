import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { queryObjects } from "node:v8";
import { Agent, BridgeClient } from "@loom-bridge/client";
import { createBridge, serve } from "@loom-bridge/server";
import { createTestBridge } from "@loom-bridge/testing";
import { createCountingRuntime } from "../counting-runtime.ts";

test("an agent id that is taken over 1000 times answers as the newest, and the older ones stay away", async () => {
  await using bridge = createTestBridge();
  const asker = await bridge.agent({ id: "asker" });
  const older: Promise<unknown>[] = [];
  for (let round = 0; round < 1000; round += 1) {
    const agent = await bridge.agent({
      id: "one",
      topics: ["question"],
      onEvent: (context) => context.reply(String(round)),
    });
    assert.equal((await asker.request("question", "?")).text(), String(round));
    if (round < 999) older.push(assert.rejects(agent.closed, { code: "aborted" }));
  }
  await Promise.all(older);
  const { agents } = await bridge.client().listAgents();
  assert.deepEqual(
    agents.map(({ agentId }) => agentId),
    ["asker", "one"],
  );
});

test("1000 agents that come and go, on sockets of their own and on a shared one, leave no socket, timer, listener or entry behind", async () => {
  const runtime = createCountingRuntime();
  const server = await serve(createBridge({ runtime }), { address: "127.0.0.1:0" });
  const { address } = server;
  const shared = new BridgeClient({ address, runtime });
  const comeAndGo = async (index: number): Promise<void> => {
    const client = index % 2 === 0 ? shared : { address, runtime };
    await using agent = new Agent({ id: `agent-${index}`, topics: ["a"], client });
    await agent.start();
    await agent.publish("a", { type: "t" });
  };
  const cycle = async (from: number, to: number): Promise<void> => {
    for (let index = from; index < to; index += 4) {
      await Promise.all([0, 1, 2, 3].map((more) => comeAndGo(index + more)));
    }
  };
  const handles = (): string[] => process.getActiveResourcesInfo().filter((kind) => /TCP|TLS|Timeout/.test(kind));
  const left = (): string[] => [...handles(), `${runtime.pendingTimers} timers`];
  await shared.connect();
  // What is made once is made.
  await cycle(0, 100);
  const before = await settled(left);
  const objectsBefore = countObjects();
  await cycle(100, 1100);
  assert.deepEqual(await settled(left, before), before);
  for (const [kind, count] of Object.entries(countObjects())) {
    const more = count - (objectsBefore[kind] ?? 0);
    assert.ok(more < 50, `${more} more of ${kind} than before 1000 agents came and went`);
  }
  const { agents, tools } = await shared.getInfo();
  const { total } = await shared.getStats({ filter: "a" });
  assert.deepEqual([agents, tools, total?.activeSubscriptions, total?.backlog], [0, 0, 0, 0n]);
  await shared.disconnect();
  await server.close({ graceMs: 100 });
  assert.equal(runtime.pendingTimers, 0);
});

/** How many there are of what a listener that was not removed keeps alive. Collects garbage first. */
function countObjects(): Record<string, number> {
  const kinds = { Agent, BridgeClient, AbortController, EventEmitter, Function, Map, Promise };
  return Object.fromEntries(
    Object.entries(kinds).map(([name, kind]) => [name, queryObjects(kind, { format: "count" })]),
  );
}

/** What is left when what is closing has closed: unchanged for a while, or as expected. */
async function settled(read: () => string[], expected?: string[]): Promise<string[]> {
  let last = read();
  for (let round = 0; round < 100; round += 1) {
    if (expected !== undefined && last.join() === expected.join()) break;
    await pause(20);
    const now = read();
    if (expected === undefined && round > 10 && now.join() === last.join()) break;
    last = now;
  }
  return last;
}
