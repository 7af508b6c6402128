import assert from "node:assert/strict";
import { test } from "node:test";
import { RawAgent } from "../raw-agent.ts";
import { describeInEveryWorld } from "../world.ts";

describeInEveryWorld("a publish that is repeated", (createWorld) => {
  test("is delivered once, and answered as the first time", async () => {
    await using world = await createWorld();
    await using reader = await RawAgent.open(world.transport("grpc"), { agentId: "reader", topics: ["a"] });
    await using writer = await RawAgent.open(world.transport("grpc"), { agentId: "writer" });
    const first = await writer.publish("a", { id: "same" });
    // Another stream of the same agent, as after a lost connection.
    await using again = await RawAgent.open(world.transport("grpc"), { agentId: "writer" });
    const second = await again.publish("a", { id: "same" });
    assert.deepEqual([first.duplicate, second.duplicate], [false, true]);
    assert.deepEqual([second.offset, second.matched, second.queued], [first.offset, 1, 1]);
    await again.publish("a", { id: "other" });
    assert.deepEqual(await reader.ids(2), ["same", "other"]);
  });

  test("by another agent, or without an id, is another", async () => {
    await using world = await createWorld();
    await using reader = await RawAgent.open(world.transport("grpc"), { agentId: "reader", topics: ["a"] });
    await using one = await RawAgent.open(world.transport("grpc"), { agentId: "one" });
    await using two = await RawAgent.open(world.transport("grpc"), { agentId: "two" });
    for (const agent of [one, two]) {
      assert.equal((await agent.publish("a", { id: "same" })).duplicate, false);
      assert.equal((await agent.publish("a")).duplicate, false);
      assert.equal((await agent.publish("a")).duplicate, false);
    }
    assert.deepEqual(await reader.ids(6), ["same", "", "", "same", "", ""]);
  });
});
