import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { ActionService, AgentService, BridgeService, MemoryService } from "@loom-bridge/protocol/messages";
import { describeInEveryWorld, type Wire } from "../world.ts";

const wires: Wire[] = ["grpc", "grpc-web", "connect"];

describeInEveryWorld("calls without a session", (createWorld) => {
  for (const wire of wires) {
    test(`reach every service over ${wire}`, async () => {
      await using world = await createWorld();
      await world.agent({ id: "agent", topics: ["a.*"], metadata: { team: "blue" } });
      const transport = world.transport(wire);
      const bridge = createClient(BridgeService, transport);
      const info = await bridge.getInfo({});
      assert.deepEqual([info.name, info.agents, info.memoryStore], ["loom-bridge", 1, "memory"]);
      const published = await bridge.publish({ topic: "a.b", event: { type: "t" } });
      assert.deepEqual([published.matched, published.queued, published.eventId.length], [1, 1, 36]);
      const { agents } = await createClient(AgentService, transport).listAgents({ topic: "a.b" });
      assert.deepEqual(
        agents.map(({ agentId, metadata }) => [agentId, metadata]),
        [["agent", { team: "blue" }]],
      );
      assert.deepEqual((await createClient(ActionService, transport).listTools({})).tools, []);
      const memory = createClient(MemoryService, transport);
      await memory.savePlan({ sessionId: "s", plan: { symbol: "BTC", action: "BUY" } });
      assert.equal((await memory.getRecentPlans({ sessionId: "s" })).plans.length, 1);
    });

    test(`subscribe over ${wire}: told that it stands, then events with topic, sender and sequence`, async () => {
      await using world = await createWorld();
      const bridge = createClient(BridgeService, world.transport(wire));
      const writer = await world.agent({ id: "writer" });
      const stop = new AbortController();
      const responses = bridge.subscribe({ filters: ["a.**"] }, { signal: stop.signal })[Symbol.asyncIterator]();
      assert.equal((await responses.next()).value?.delivery.case, "subscribed");
      await writer.publish("a.b.c", { type: "t", payload: "hello" });
      const { delivery } = (await responses.next()).value ?? {};
      assert.ok(delivery?.case === "event");
      const { topic, sender, sequence, event } = delivery.value;
      assert.deepEqual([topic, sender, sequence, event?.type], ["a.b.c", "writer", 1n, "t"]);
      stop.abort();
      await assert.rejects(responses.next());
      while ((await writer.publish("a.b.c", { type: "t" })).matched > 0)
        await new Promise((resolve) => setImmediate(resolve));
    });
  }

  test("subscribe is refused without filters", async () => {
    await using world = await createWorld();
    const responses = createClient(BridgeService, world.transport("grpc")).subscribe({})[Symbol.asyncIterator]();
    await assert.rejects(responses.next(), /filters is empty/);
  });
});
