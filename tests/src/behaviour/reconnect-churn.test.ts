import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Agent, BridgeClient } from "@loom-bridge/client";
import { createBridge, serve } from "@loom-bridge/server";
import { createTestBridge } from "@loom-bridge/testing";

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

test("1000 agents that come and go leave no socket, no timer and no entry behind", async () => {
  const bridge = createBridge();
  const server = await serve(bridge, { address: "127.0.0.1:0" });
  const client = new BridgeClient({ address: server.address });
  const comeAndGo = async (index: number): Promise<void> => {
    await using agent = new Agent({ id: `agent-${index % 8}-${index}`, topics: ["a"], address: server.address });
    await agent.start();
    await agent.publish("a", { type: "t" });
  };
  const handles = (): string[] => process.getActiveResourcesInfo().filter((kind) => /TCP|TLS|Timeout/.test(kind));
  await client.connect();
  await comeAndGo(0);
  const before = await settled(handles);
  for (let index = 0; index < 1000; index += 4) await Promise.all([0, 1, 2, 3].map((more) => comeAndGo(index + more)));
  assert.deepEqual(await settled(handles, before), before);
  const { agents, tools } = await client.getInfo();
  const { total } = await client.getStats({ filter: "a" });
  assert.deepEqual([agents, tools, total?.activeSubscriptions, total?.backlog], [0, 0, 0, 0n]);
  await client.disconnect();
  await server.close({ graceMs: 100 });
});

test("200 agents are back after a restart", async () => {
  await using bridge = createTestBridge();
  const ids = Array.from({ length: 200 }, (_, index) => `agent-${index}`);
  await Promise.all(ids.map((id) => bridge.agent({ id, topics: [id] })));
  await bridge.restart();
  const client = bridge.client();
  await client.waitForAgents(ids, { timeoutMs: 30_000 });
  const { agents } = await client.listAgents();
  assert.equal(agents.length, 200);
});

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
