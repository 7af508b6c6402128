import assert from "node:assert/strict";
import { test } from "node:test";
import type { GetStatsResponse } from "@loom-bridge/protocol/messages";
import { takeSnapshot } from "./snapshot.ts";
import { testBridge } from "./test-bridge.ts";

test("a snapshot shows queues, adds up, and is in the same order every time", async () => {
  await using bridge = testBridge();
  const reader = await bridge.probe("reader", { topics: ["b", "a"] });
  const author = await bridge.probe("author");
  const hold = bridge.faults.partition({ link: "reader" });
  for (const topic of ["b", "a", "b"]) await author.publish(topic, 1);
  const { stats, contradictions } = await bridge.snapshot();
  const { topics, subscriptions } = stats as Record<string, Record<string, unknown>[]>;
  assert.deepEqual(contradictions, []);
  assert.deepEqual(
    topics?.map(({ topic, published }) => [topic, published]).filter(([topic]) => !String(topic).startsWith("agent.")),
    [
      ["a", "1"],
      ["b", "2"],
    ],
  );
  const ofReader = subscriptions?.filter(({ agentId }) => agentId === "reader") ?? [];
  assert.equal(
    ofReader.reduce((sum, { queued }) => sum + Number(queued ?? 0), 0),
    3,
  );
  assert.deepEqual((await bridge.snapshot()).stats, stats);
  hold.remove();
  await bridge.clock.advance("5m");
  await bridge.invariants();
  assert.ok(reader.history.length > 0);
});

test("a bridge whose accounts contradict each other is found out", async () => {
  await using bridge = testBridge();
  const client = bridge.client();
  await bridge.agent({ id: "reader", topics: ["a"] });
  await bridge.run(client.publish({ topic: "a", event: { type: "t" } }));
  const answer: GetStatsResponse = await bridge.run(client.getStats({ withSubscriptions: true }));
  const lying = async (change: (stats: GetStatsResponse) => void): Promise<readonly string[]> => {
    const stats = structuredClone(answer);
    change(stats);
    const liar = Object.create(client, { getStats: { value: async () => stats } }) as typeof client;
    const asked = ["getInfo", "listAgents", "listTools"] as const;
    for (const name of asked) Object.defineProperty(liar, name, { value: () => client[name]() });
    return (await bridge.run(takeSnapshot(liar))).contradictions;
  };
  assert.deepEqual(await lying(() => {}), []);
  const first = <Item>(items: Item[]): Item => items.find(() => true) as Item;
  assert.match(
    (await lying(({ topics }) => (first(topics).published = 9n))).join(),
    /published of all topics is 9, and in total it is 1/,
  );
  assert.match((await lying(({ topics }) => (first(topics).dropped = 9n))).join(), /9 were dropped on a, and 0 for/);
  assert.match((await lying((all) => (first(all.subscriptions).agentId = "ghost"))).join(), /ghost stands, and its/);
  assert.match((await lying((all) => (first(all.subscriptions).backlog = 9))).join(), /has 9 waiting and/);
});
