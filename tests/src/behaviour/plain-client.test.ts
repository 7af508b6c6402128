import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { ActionService, AgentService, BridgeService, ToolStatus } from "@loom-bridge/protocol/messages";
import { openSession, openStream } from "../duplex-call.ts";
import { type CreateWorld, describeInEveryWorld, type Wire } from "../world.ts";

const wires: Wire[] = ["grpc", "connect"];

async function failsWith(promise: Promise<unknown>, code: Code, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => {
    const { code: actual, rawMessage } = ConnectError.from(error);
    assert.equal(Code[actual], Code[code]);
    assert.match(rawMessage, message);
    return true;
  });
}

describeInEveryWorld("a client that knows only Register, Publish and Heartbeat", (createWorld) => {
  for (const wire of wires) defineFor(createWorld, wire);

  test("is cut off with deadline_exceeded when it does not register in time", async () => {
    await using world = await createWorld({ registerTimeoutMs: 50 });
    await using call = openStream(world.transport("grpc"));
    await failsWith(call.hear(), Code.DeadlineExceeded, /no Register within 50 ms/);
  });

  test("is cut off with deadline_exceeded when it set a deadline, however idle the stream is", async () => {
    await using world = await createWorld();
    const transport = world.transport("grpc");
    const { listAgents } = createClient(AgentService, transport);
    // The deadline counts from here on, so the connection has to stand before it does.
    await listAgents({});
    await using call = openStream(transport, { timeoutMs: 500 });
    call.say({ case: "register", value: { agentId: "hasty" } });
    assert.equal((await call.hear())?.delivery.case, "ack");
    await failsWith(call.hear(), Code.DeadlineExceeded, /./);
    while ((await listAgents({})).agents.length > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  test("is cut off with unavailable when it sends no heartbeats", async () => {
    await using world = await createWorld({ heartbeatIntervalMs: 20 });
    await using call = await openSession(world.transport("grpc"), { agentId: "quiet" });
    await failsWith(call.hear(), Code.Unavailable, /no heartbeat for 60 ms/);
  });
});

function defineFor(createWorld: CreateWorld, wire: Wire): void {
  test(`gets one Ack, then only events, over ${wire}`, async () => {
    await using world = await createWorld();
    const transport = world.transport(wire);
    await using call = openStream(transport);
    call.say({ case: "register", value: { agentId: "old", topics: ["a.*", "a.b"] } });
    call.say({ case: "heartbeat", value: { timestampMs: 1n } });
    call.say({ case: "publish", value: { topic: "a.b", event: { id: "1", type: "t", payload: new Uint8Array([7]) } } });
    call.say({ case: "publish", value: { topic: "elsewhere", event: { id: "2" } } });
    call.say({ case: "publish", value: { topic: "a.c", event: { id: "3", metadata: { "loom.sender": "somebody" } } } });
    call.endSaying();
    const ack = await call.hear();
    assert.ok(ack?.delivery.case === "ack" && ack.delivery.value.success);
    assert.deepEqual(ack.delivery.value.features, []);
    const first = await call.hear();
    assert.ok(first?.delivery.case === "event");
    assert.equal(first.delivery.value.id, "1");
    assert.deepEqual(first.delivery.value.payload, new Uint8Array([7]));
    assert.deepEqual(first.delivery.value.metadata, { "loom.sender": "old" });
    const second = await call.hear();
    assert.ok(second?.delivery.case === "event");
    assert.deepEqual([second.delivery.value.id, second.delivery.value.metadata], ["3", { "loom.sender": "old" }]);
    assert.equal(await call.hear(), undefined);
  });

  test(`is told what its first message should have been, over ${wire}`, async () => {
    await using world = await createWorld();
    await using call = openStream(world.transport(wire));
    call.say({ case: "heartbeat", value: {} });
    await failsWith(call.hear(), Code.InvalidArgument, /the first message is heartbeat; send Register first/);
  });

  test(`that ends before Register is told so, over ${wire}`, async () => {
    await using world = await createWorld();
    await using call = openStream(world.transport(wire));
    call.endSaying();
    await failsWith(call.hear(), Code.InvalidArgument, /the stream ended before Register/);
  });

  test(`is refused with an empty agent id and with a second Register, over ${wire}`, async () => {
    await using world = await createWorld();
    await using nameless = openStream(world.transport(wire));
    nameless.say({ case: "register", value: {} });
    await failsWith(nameless.hear(), Code.InvalidArgument, /agent_id is empty/);
    await using twice = await openSession(world.transport(wire), { agentId: "twice" });
    twice.say({ case: "register", value: { agentId: "twice" } });
    await failsWith(twice.hear(), Code.FailedPrecondition, /Register is sent once/);
  });

  test(`is told when a newer session took over, over ${wire}`, async () => {
    await using world = await createWorld();
    await using older = await openSession(world.transport(wire), { agentId: "same", topics: ["a"] });
    await using newer = await openSession(world.transport(wire), { agentId: "same", topics: ["a"] });
    await failsWith(older.hear(), Code.Aborted, /superseded/);
    await createClient(BridgeService, world.transport(wire)).publish({ topic: "a", event: { id: "1" } });
    assert.equal((await newer.hear())?.delivery.case, "event");
  });

  test(`provides a tool, and loses its calls when it goes, over ${wire}`, async () => {
    await using world = await createWorld();
    const action = createClient(ActionService, world.transport(wire));
    await using provider = await openSession(world.transport(wire), {
      agentId: "provider",
      tools: [{ name: "add", parametersSchema: '{"type":"object","required":["a"]}' }],
    });
    const call = action.forwardToolCall({ name: "add", arguments: '{"a":1}', headers: { trace: "x" } });
    const request = await provider.hear();
    assert.ok(request?.delivery.case === "toolRequest");
    const { ref, call: asked, caller } = request.delivery.value;
    assert.deepEqual([asked?.arguments, asked?.headers, caller], ['{"a":1}', { trace: "x" }, ""]);
    assert.ok(asked !== undefined && asked.timeoutMs > 29_000 && asked.timeoutMs <= 30_000);
    provider.say({ case: "toolResponse", value: { ref, result: { status: ToolStatus.TOOL_OK, output: "2" } } });
    const result = await call;
    assert.deepEqual([result.status, result.output, result.error], [ToolStatus.TOOL_OK, "2", undefined]);

    const refused = await action.forwardToolCall({ name: "add", arguments: "{}" });
    assert.equal(refused.status, ToolStatus.TOOL_INVALID_ARGUMENTS);

    const lost = action.forwardToolCall({ name: "add", arguments: '{"a":2}' });
    assert.equal((await provider.hear())?.delivery.case, "toolRequest");
    provider.cut();
    assert.equal((await lost).error?.code, "PROVIDER_LOST");
    assert.equal((await action.forwardToolCall({ name: "add" })).status, ToolStatus.TOOL_NOT_FOUND);
  });
}
