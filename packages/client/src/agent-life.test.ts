import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { DrainSchema, Feature, HeartbeatAckSchema, ToolRequestSchema } from "@loom-bridge/protocol/messages";
import * as z from "zod";
import { Agent, createAgent } from "./agent.ts";
import { BridgeClient } from "./bridge-client.ts";
import { FakeRuntime, settle } from "./fake-runtime.test-helper.ts";
import { startAgent } from "./running-agent.test-helper.ts";
import { ScriptedBridge, wireError } from "./scripted-bridge.test-helper.ts";
import { defineTool } from "./tools/define-tool.ts";

test("start resolves after the Ack and not before", async () => {
  const bridge = new ScriptedBridge();
  const agent = createAgent({ id: "me", client: { transport: bridge.transport() } });
  let started = false;
  const starting = agent.start().then(() => (started = true));
  const stream = await bridge.accept();
  await stream.receive("register");
  await settle();
  assert.equal(started, false);
  await assert.rejects(agent.publish("x", { type: "t" }), { code: "failed_precondition", message: /start\(\)/ });
  stream.ack();
  await starting;
  await agent.stop();
});

test("a refused registration is the bridge's reason, from start and from closed", async () => {
  const bridge = new ScriptedBridge();
  const agent = createAgent({ id: "me", client: { transport: bridge.transport() } });
  const starting = agent.start();
  (await bridge.accept()).end(wireError(Code.InvalidArgument, "bad filter"));
  await assert.rejects(starting, { code: "invalid_argument", message: /bad filter/ });
  await assert.rejects(agent.closed, { code: "invalid_argument" });
  await agent.stop();
});

test("a bridge that does not answer Register is given up on after 10 s", async () => {
  const bridge = new ScriptedBridge();
  const runtime = new FakeRuntime();
  const agent = createAgent({ id: "me", client: { transport: bridge.transport(), runtime } });
  const starting = assert.rejects(agent.start(), { code: "deadline_exceeded" });
  await (await bridge.accept()).receive("register");
  await runtime.advance(10_000);
  await starting;
  assert.equal(runtime.timers, 0);
});

test("a bridge that cannot batch is refused with the remedy", async () => {
  await assert.rejects(startAgent({}, { features: [] }), { code: "failed_precondition", message: /update the bridge/ });
});

test("starting where no bridge is fails with the way out", async () => {
  const agent = createAgent({ id: "me", address: "localhost:1" });
  await assert.rejects(agent.start(), { name: "ConnectionError", code: "unavailable", message: /loom-bridge up/ });
  await agent.stop();
});

test("an agent says every 30 s that it lives, or as often as it is told", async () => {
  const { stream, runtime } = await startAgent();
  await runtime.advance(29_999);
  assert.equal(stream.count("heartbeat"), 0);
  await runtime.advance(1);
  assert.equal(Number((await stream.receive("heartbeat")).timestampMs), runtime.now());
  await runtime.advance(30_000);
  assert.equal(stream.count("heartbeat"), 2);

  const quick = await startAgent({ heartbeatIntervalMs: 1000 });
  await quick.runtime.advance(1000);
  assert.equal(quick.stream.count("heartbeat"), 1);
});

test("heartbeats do not wait for a full publish window", async () => {
  const { agent, stream, runtime } = await startAgent({}, { publishWindow: 1 });
  for (let index = 0; index < 10; index += 1) void agent.post("x", { type: "t" });
  await stream.receive("publishBatch");
  await runtime.advance(30_000);
  await stream.receive("heartbeat");
});

test("a bridge that is silent for three intervals is taken for lost; one that answers is not", async () => {
  const { agent, stream, runtime } = await startAgent({ heartbeatIntervalMs: 1000, reconnect: false });
  let lost = false;
  agent.closed.catch(() => (lost = true));
  for (let beat = 0; beat < 5; beat += 1) {
    await runtime.advance(1000);
    stream.send({ case: "heartbeatAck", value: create(HeartbeatAckSchema, {}) });
    await settle();
  }
  await runtime.advance(2000);
  assert.equal(lost, false);
  await runtime.advance(1000);
  assert.equal(lost, true);
  await assert.rejects(agent.closed, { code: "unavailable", message: /nothing came/ });
});

test("the silence of a bridge that answers no heartbeats means nothing", async () => {
  const { agent, stream, runtime } = await startAgent({}, { features: [Feature.BATCHES] });
  await runtime.advance(300_000);
  assert.equal(stream.count("heartbeat"), 10);
  await agent.stop();
});

test("without reconnect, closed tells why the stream ended", async () => {
  const superseded = await startAgent({ reconnect: false });
  superseded.stream.end(wireError(Code.Aborted, "superseded by a newer session"));
  await assert.rejects(superseded.agent.closed, { code: "aborted", message: /superseded/ });

  const drained = await startAgent({ reconnect: false });
  drained.stream.send({ case: "drain", value: create(DrainSchema, { reason: "update", graceMs: 100 }) });
  drained.stream.end(wireError(Code.Unavailable, "going down"));
  await assert.rejects(drained.agent.closed, { code: "unavailable", retryable: true });

  const silent = await startAgent({ reconnect: false });
  silent.stream.end();
  await assert.rejects(silent.agent.closed, { name: "ConnectionError", code: "unavailable" });
});

test("a bridge that dies shows as unavailable, over sockets too", async () => {
  const bridge = new ScriptedBridge();
  const server = await bridge.listen();
  const agent = createAgent({ id: "me", address: server.address, reconnect: false });
  await Promise.all([bridge.acceptAgent(), agent.start()]);
  for (const session of server.sessions) session.destroy();
  await assert.rejects(agent.closed, { name: "ConnectionError", code: "unavailable" });
  await agent.stop();
  await server.close();
});

test("stop sends what is queued, waits for its receipts and for handlers and tools, and says goodbye last", async () => {
  let finishHandler = (): void => {};
  const { agent, stream } = await startAgent({
    topics: ["a"],
    onEvent: async (context) => {
      await new Promise<void>((resolve) => (finishHandler = resolve));
      await context.emit("from.handler", "t");
    },
  });
  stream.sendEvent(1, "a", { type: "handled" });
  stream.sendEvent(1, "a", { type: "left" });
  for (let index = 0; index < 300; index += 1) void agent.post("x", { type: "t" });
  await settle();
  let stopped = false;
  const stopping = agent.stop().then(() => (stopped = true));
  await settle();
  stream.receipt(1n, 300);
  finishHandler();
  await settle();
  assert.deepEqual([stopped, stream.published().length, stream.count("goodbye")], [false, 301, 0]);
  stream.receipt(301n, 1);
  await stopping;
  await agent.closed;
  assert.equal(stream.received.at(-1)?.event.case, "goodbye");
  assert.equal(
    (stream.received.findLast(({ event }) => event.case === "eventAck")?.event.value as { sequence: bigint }).sequence,
    1n,
  );
});

test("stop lets a running tool answer and then waits for nothing more", async () => {
  let finish = (_output: string): void => {};
  const input = z.object({});
  const run = (): Promise<string> => new Promise((resolve) => (finish = resolve));
  const { agent, stream } = await startAgent({ tools: [defineTool({ name: "t", description: "", input, run })] });
  stream.send({ case: "toolRequest", value: create(ToolRequestSchema, { ref: 1, call: { name: "t" } }) });
  await settle();
  const stopping = agent.stop();
  await settle();
  finish("done");
  await stopping;
  assert.deepEqual(
    stream.received.map(({ event }) => event.case),
    ["register", "toolResponse", "goodbye"],
  );
});

test("stop waits no longer than it is told, and ends what hangs", async () => {
  const signals: AbortSignal[] = [];
  const hang = (signal: AbortSignal): Promise<never> => {
    signals.push(signal);
    return new Promise(() => {});
  };
  const input = z.object({});
  const tool = defineTool({ name: "t", description: "", input, run: (_args, { signal }) => hang(signal) });
  const { agent, stream, runtime } = await startAgent({
    topics: ["a"],
    tools: [tool],
    onEvent: ({ signal }) => hang(signal),
    drainTimeoutMs: 100,
  });
  stream.sendEvent(1, "a", { type: "t" });
  await settle();
  const stopping = agent.stop();
  await settle();
  assert.equal(stream.count("goodbye"), 0);
  await runtime.advance(100);
  await stopping;
  assert.equal(stream.count("goodbye"), 1);
  assert.equal(signals[0]?.aborted, true);
  assert.equal(runtime.timers, 0);
});

test("stop is idempotent, works before start and during it, and start cannot follow it", async () => {
  const bridge = new ScriptedBridge();
  const client = new BridgeClient({ transport: bridge.transport() });
  const idle = new Agent({ id: "idle", client });
  await Promise.all([idle.stop(), idle.stop()]);
  await idle.closed;
  await assert.rejects(idle.start(), { name: "AgentClosedError" });

  const early = new Agent({ id: "early", client });
  const starting = assert.rejects(early.start());
  await (await bridge.accept()).receive("register");
  await early.stop();
  await starting;
  await early.closed;
});

test("an agent that is stopped while it connects does not register, whoever owns the client", async () => {
  let answer = (): void => {};
  const getInfo = async (): Promise<Record<string, never>> => {
    await new Promise<void>((resolve) => (answer = resolve));
    return {};
  };
  const bridge = new ScriptedBridge({ bridge: { getInfo } });
  let streams = 0;
  void bridge.accept().then(() => (streams += 1));
  const client = new BridgeClient({ transport: bridge.transport() });
  for (const given of [client, { transport: bridge.transport() }]) {
    const agent = createAgent({ id: "me", client: given });
    const starting = assert.rejects(agent.start());
    await settle();
    await agent.stop();
    answer();
    await starting;
    await agent.closed;
  }
  await client.disconnect();
  assert.equal(streams, 0);
});

test("an agent that does not come back lets its own client go", async () => {
  const { agent, stream } = await startAgent({ reconnect: false });
  stream.end(wireError(Code.Unavailable, "gone"));
  await assert.rejects(agent.closed);
  await settle();
  await assert.rejects(agent.client.getInfo(), { code: "failed_precondition" });
});

test("await using stops an agent; a shared client stays connected, an own one does not", async () => {
  const bridge = new ScriptedBridge();
  const client = new BridgeClient({ transport: bridge.transport() });
  {
    await using agent = createAgent({ id: "shared", client });
    await Promise.all([bridge.acceptAgent(), agent.start()]);
  }
  await client.getInfo();
  const { agent } = await startAgent();
  await agent.stop();
  await assert.rejects(agent.client.getInfo(), { code: "failed_precondition" });
});

test("disconnecting a client stops its agents with a goodbye", async () => {
  const bridge = new ScriptedBridge();
  const client = new BridgeClient({ transport: bridge.transport() });
  const agents = ["a", "b"].map((id) => createAgent({ id, client }));
  const streams = await Promise.all(
    agents.map(async (agent) => (await Promise.all([bridge.acceptAgent(), agent.start()]))[0]),
  );
  await client.disconnect();
  await Promise.all(agents.map((agent) => agent.closed));
  assert.deepEqual(
    streams.map((stream) => stream.count("goodbye")),
    [1, 1],
  );
});

test("options that no bridge takes are refused by name", () => {
  const tool = defineTool({ name: "t", description: "", input: z.object({}), run: () => null });
  for (const options of [
    { id: "" },
    { id: "a b" },
    { id: "x".repeat(129) },
    { topics: ["a..b"] },
    { tools: [tool, tool] },
    { concurrency: 0 },
    { window: 1.5 },
    { heartbeatIntervalMs: 0 },
  ]) {
    assert.throws(() => createAgent({ id: "me", ...options }), { code: "invalid_argument" });
  }
});
