import assert from "node:assert/strict";
import { test } from "node:test";
import { createAgent } from "./agent.ts";
import { ScriptedBridge } from "./scripted-bridge.test-helper.ts";

test("an agent registers, publishes, receives and says goodbye", async () => {
  const bridge = new ScriptedBridge();
  const seen: unknown[] = [];
  const agent = createAgent({
    id: "planner",
    client: { transport: bridge.transport() },
    topics: ["market.*"],
    onEvent: async (context, envelope) => {
      seen.push([envelope.topic, envelope.type, envelope.json(), envelope.sender]);
      await context.emit("plans.new", "plan", { buy: true });
    },
  });
  const starting = agent.start();
  const stream = await bridge.accept();
  const register = await stream.receive("register");
  assert.equal(register.agentId, "planner");
  assert.deepEqual(register.topics, []);
  assert.deepEqual(
    register.subscriptions.map(({ id, filters, window }) => [id, filters, window]),
    [
      [1, ["market.*"], 256],
      [2, ["agent.planner.replies"], 1024],
    ],
  );
  stream.ack();
  await starting;
  stream.sendEvent(1, "market.btc", { type: "tick", payload: { price: 1 } }, "feed");
  const batch = await stream.receive("publishBatch");
  assert.equal(batch.firstRef, 1n);
  stream.receipt(1n, 1);
  const ack = await stream.receive("eventAck");
  assert.deepEqual([ack.subscription, ack.sequence], [1, 1n]);
  assert.deepEqual(seen, [["market.btc", "tick", { price: 1 }, "feed"]]);
  const publishing = agent.publish("a.b", { type: "hello", payload: "hi" });
  const second = await stream.receive("publishBatch");
  stream.receipt(second.firstRef, 1, 3, 2, 1);
  const receipt = await publishing;
  assert.deepEqual([receipt.matched, receipt.queued, receipt.dropped], [3, 2, 1]);
  const stopping = agent.stop();
  await stream.receive("goodbye");
  await stopping;
  await agent.closed;
});
