import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { AgentChange, AgentService, BridgeService } from "@loom-bridge/protocol/messages";
import { describeInEveryWorld } from "../world.ts";

describeInEveryWorld("the presence of agents", (createWorld) => {
  test("is told to whoever subscribes or watches, and nobody else may tell it", async () => {
    await using world = await createWorld();
    const bridge = createClient(BridgeService, world.transport("grpc"));
    const agents = createClient(AgentService, world.transport("grpc"));
    const leaving = new AbortController();
    const options = { signal: leaving.signal };
    const events = bridge.subscribe({ filters: ["$sys.agents.*.*"] }, options)[Symbol.asyncIterator]();
    const changes = agents.watchAgents({}, options)[Symbol.asyncIterator]();
    await events.next();
    assert.equal((await changes.next()).value.change, AgentChange.COMPLETE);

    const agent = await world.agent({ id: "host.example" });
    await agent.stop();

    const told: unknown[] = [];
    for (let count = 0; count < 2; count += 1) {
      const { delivery } = (await events.next()).value;
      assert.equal(delivery.case, "event");
      const { topic, event } = delivery.value;
      const { agent_id: agentId, epoch } = JSON.parse(new TextDecoder().decode(event?.payload));
      const { change, agent: info } = (await changes.next()).value;
      assert.equal(Number(info?.epoch), epoch);
      told.push([topic, event?.type, agentId, change]);
    }
    assert.deepEqual(told, [
      ["$sys.agents.host:2eexample.online", "agent.online", "host.example", AgentChange.ONLINE],
      ["$sys.agents.host:2eexample.offline", "agent.offline", "host.example", AgentChange.OFFLINE],
    ]);
    const forged = bridge.publish({ topic: "$sys.agents.host:2eexample.online", event: { type: "agent.online" } });
    await assert.rejects(forged, /the bridge's/);
    leaving.abort();
  });
});
