import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BridgeClient,
  type ClientEvent,
  ClientEventSchema,
  create,
  Envelope,
  LoomError,
  PlanRecordSchema,
  RegisterSchema,
  ToolCallSchema,
  ToolStatus,
} from "./index.ts";
import { ScriptedBridge } from "./scripted-bridge.test-helper.ts";

test("the examples that people know from other clients work with one import", async () => {
  const bridge = new ScriptedBridge({
    action: { forwardToolCall: ({ arguments: args }) => ({ status: ToolStatus.TOOL_OK, output: args }) },
    memory: { savePlan: ({ plan }) => ({ success: plan?.symbol === "BTC" }) },
  });
  const server = await bridge.listen();
  const client = new BridgeClient({ address: server.address });
  await client.connect();

  const call = create(ToolCallSchema, {
    id: "call-123",
    name: "web:search",
    arguments: '{"query": "AI frameworks"}',
    timeoutMs: 10_000,
  });
  const result = await client.forwardToolCall(call);
  assert.equal(result.status, ToolStatus.TOOL_OK);
  assert.equal(result.output, '{"query": "AI frameworks"}');

  const plan = create(PlanRecordSchema, { symbol: "BTC", action: "BUY", confidence: 0.85 });
  assert.equal((await client.savePlan({ sessionId: "agent-1", plan })).success, true);

  async function* outboundEvents(): AsyncGenerator<ClientEvent> {
    const value = create(RegisterSchema, { agentId: "agent-1", topics: ["market.*"] });
    yield create(ClientEventSchema, { event: { case: "register", value } });
  }
  void bridge.acceptAgent().then((stream) => {
    const event = Envelope.create({ type: "price", payload: { price: 1 } }).toProto();
    stream.send({ case: "event", value: event });
  });
  for await (const { delivery } of client.stream(outboundEvents())) {
    if (delivery.case !== "event") continue;
    assert.deepEqual(Envelope.fromProto(delivery.value).json(), { price: 1 });
    break;
  }

  await client.disconnect();
  await server.close();
  await assert.rejects(client.connect(), (error) => error instanceof LoomError && error.code === "unavailable");
});
