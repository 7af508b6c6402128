import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import {
  ActionService,
  AgentService,
  BridgeService,
  ErrorInfoSchema,
  Qos,
  type ToolRequest,
  type ToolResponse,
  type ToolResult,
} from "@loom-bridge/protocol/messages";
import { type BridgeLimits, createBridge, type PrincipalInit } from "@loom-bridge/server";
import { openSession } from "../duplex-call.ts";
import { RawAgent } from "../raw-agent.ts";
import { all, createGuardedWorld } from "./guarded-world.ts";

// The limits of agents, events and tools as an operator sets them: met on a real socket, named in the error, counted.

const principal = (subject: string, limits: PrincipalInit["limits"] = {}): PrincipalInit => ({
  subject,
  agentIds: ["*"],
  grants: all,
  limits,
});

async function createWorld(limits: Partial<BridgeLimits>, ofAlice: PrincipalInit["limits"] = {}) {
  const world = await createGuardedWorld({ alice: principal("alice", ofAlice), bob: principal("bob") }, { limits });
  const transport = world.transport("alice");
  const bridge = createClient(BridgeService, transport);
  return {
    world,
    transport,
    bridge,
    action: createClient(ActionService, transport),
    counted: async (): Promise<Record<string, number>> =>
      Object.fromEntries(Object.entries((await bridge.getStats({})).limitBreaches).map(([k, n]) => [k, Number(n)])),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

/** The code, the limit and its value that a call was refused with. */
async function refusalOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "it was allowed";
  } catch (error) {
    const refusal = ConnectError.from(error);
    const { limit, value } = refusal.findDetails(ErrorInfoSchema)[0]?.details ?? {};
    return `${Code[refusal.code]} ${limit} ${value}`;
  }
}

test("a registration beyond a limit is refused whole, with its name", async () => {
  const limits = { subscriptionsPerSession: 2, filtersPerSession: 3, wildcardsPerSession: 1, toolsPerAgent: 1 };
  await using world = await createWorld({ ...limits, schemaBytesPerAgent: 40, maxSchemas: 1 });
  const register = (more: object) => refusalOf(openSession(world.transport, { agentId: "a", ...more }));
  const subscriptions = [1, 2, 3].map((id) => ({ id, filters: [`t${id}`] }));
  const schema = (title: string): string => JSON.stringify({ type: "object", title });
  assert.equal(await register({ subscriptions }), "ResourceExhausted subscriptionsPerSession 2");
  assert.equal(await register({ topics: ["a", "b", "c", "d"] }), "ResourceExhausted filtersPerSession 3");
  assert.equal(await register({ topics: ["a.*", "b.**"] }), "ResourceExhausted wildcardsPerSession 1");
  assert.equal(await register({ tools: [{ name: "x" }, { name: "y" }] }), "ResourceExhausted toolsPerAgent 1");
  const long = schema("x".repeat(40));
  assert.equal(
    await register({ tools: [{ name: "x", parametersSchema: long }] }),
    "ResourceExhausted schemaBytesPerAgent 40",
  );
  await using _first = await openSession(world.transport, {
    agentId: "first",
    tools: [{ name: "x", parametersSchema: schema("x") }],
  });
  assert.equal(
    await register({ tools: [{ name: "y", parametersSchema: schema("y") }] }),
    "ResourceExhausted maxSchemas 1",
  );
  const names = [...Object.keys(limits), "schemaBytesPerAgent", "maxSchemas"];
  assert.deepEqual(await world.counted(), Object.fromEntries(names.map((name) => [name, 1])));
});

test("a subscription that is refused on an open stream is counted too, and what there was stays", async () => {
  await using world = await createWorld({ filtersPerSession: 2 });
  await using agent = await RawAgent.open(world.transport, { agentId: "a", topics: ["one"] });
  assert.equal((await agent.subscribe({ id: 1, filters: ["two"] })).active, true);
  const refused = await agent.subscribe({ id: 2, filters: ["three"] });
  assert.match(refused.errorMessage, /the session has 3 filters; at most 2 are allowed \(filtersPerSession\)/);
  const stream = world.bridge.subscribe({ filters: ["a", "b", "c"] })[Symbol.asyncIterator]();
  assert.equal(await refusalOf(stream.next()), "ResourceExhausted filtersPerSession 2");
  assert.deepEqual(await world.counted(), { filtersPerSession: 2 });
  assert.equal((await agent.publish("two")).matched, 1);
});

test("agents and streams of one principal are limited, by what its policy says or else the bridge, and others are not", async () => {
  await using world = await createWorld({ agentsPerPrincipal: 1, streamsPerPrincipal: 1 }, { streams: 2 });
  await using _agent = await openSession(world.transport, { agentId: "a" });
  const second = openSession(world.transport, { agentId: "b" });
  assert.equal(await refusalOf(second), "ResourceExhausted agentsPerPrincipal 1");
  const open = async (token: string, { signal } = new AbortController()): Promise<unknown> => {
    const client = createClient(BridgeService, world.world.transport(token));
    return await client
      .subscribe({ filters: ["a"] }, { signal })
      [Symbol.asyncIterator]()
      .next();
  };
  const first = new AbortController();
  await open("alice", first);
  const watch = createClient(AgentService, world.transport).watchAgents({})[Symbol.asyncIterator]();
  await watch.next();
  assert.equal(await refusalOf(open("alice")), "ResourceExhausted streamsPerPrincipal 2");
  await open("bob");
  assert.equal(await refusalOf(open("bob")), "ResourceExhausted streamsPerPrincipal 1");
  first.abort();
  // There is room again as soon as the bridge has noticed.
  while ((await refusalOf(open("alice"))) !== "it was allowed");
  const { agentsPerPrincipal, streamsPerPrincipal = 0 } = await world.counted();
  assert.equal(agentsPerPrincipal, 1);
  assert.ok(streamsPerPrincipal >= 2);
});

test("an event, its queue and what may be unanswered are as large as the operator says", async () => {
  await using world = await createWorld({ eventBytes: 1000, realtimeQueue: 3, publishWindow: 5 });
  await using hearer = await RawAgent.open(world.transport, {
    agentId: "hearer",
    subscriptions: [{ id: 1, filters: ["a"], qos: Qos.REALTIME, window: 1 }],
  });
  assert.equal(hearer.ack.publishWindow, 5);
  const large = { topic: "a", event: { payload: new Uint8Array(1000) } };
  assert.equal(await refusalOf(world.bridge.publish(large)), "ResourceExhausted eventBytes 1000");
  const { error } = await hearer.publish("a", { payload: new Uint8Array(1000) });
  assert.match(`${error?.code}: ${error?.message}`, /^resource_exhausted: .* at most 1000 are allowed \(eventBytes\)/);
  assert.deepEqual(await world.counted(), { eventBytes: 2 });
  for (const id of ["1", "2", "3", "4", "5", "6"]) await world.bridge.publish({ topic: "a", event: { id } });
  assert.deepEqual(await hearer.ids(1), ["1"]);
  hearer.acknowledge(1, 1n);
  const { firstSequence, lastSequence } = await hearer.gap();
  assert.deepEqual([firstSequence, lastSequence], [2n, 3n]);
});

test("arguments, outputs, times and open calls of tools are bounded as the operator says", async () => {
  const limits = { argumentsBytes: 100, outputBytes: 50, maxToolTimeoutMs: 5000, maxOpenCalls: 2 };
  await using world = await createWorld({ ...limits, inFlightPerAgent: 3, inFlightPerTool: 2, inFlight: 4 });
  const call = (name: string, more: object = {}) => world.action.forwardToolCall({ name, ...more });
  await using provider = await openSession(world.transport, {
    agentId: "provider",
    tools: ["a", "b", "c"].map((name) => ({ name })),
  });
  const request = async () => {
    const { delivery } = (await provider.hear()) ?? {};
    assert.equal(delivery?.case, "toolRequest");
    return delivery.value as ToolRequest;
  };
  const details = async (result: Promise<ToolResult>) => {
    const { error } = await result;
    return [error?.code, error?.details["limit"], error?.details["value"]];
  };

  const long = { arguments: JSON.stringify({ text: "x".repeat(100) }) };
  assert.deepEqual(await details(call("a", long)), ["INVALID_ARGUMENTS", "argumentsBytes", "100"]);
  const deep = { arguments: `{"a":${"[".repeat(20)}${"]".repeat(20)}}` };
  const shallow = call("a", deep);
  assert.equal((await request()).call?.timeoutMs, 5000, "the default is longer");
  const largeOutput = { result: { output: JSON.stringify("x".repeat(50)) } };
  provider.say({ case: "toolResponse", value: { ref: 1, ...largeOutput } });
  assert.deepEqual(await details(shallow), ["RESULT_TOO_LARGE", "outputBytes", "50"]);

  await using caller = await RawAgent.open(world.transport, { agentId: "caller" });
  for (const ref of [1, 2, 3]) {
    const name = ref === 1 ? "a" : "b";
    caller.call.say({ case: "toolRequest", value: { ref, call: { name } } });
  }
  const refused = (await caller.call.hear())?.delivery;
  assert.equal(refused?.case, "toolResponse");
  const { error } = (refused.value as ToolResponse).result ?? {};
  assert.deepEqual([error?.code, error?.details["limit"]], ["RESOURCE_EXHAUSTED", "maxOpenCalls"]);
  await request();
  await request();
  void call("a").catch(() => {});
  await request();
  assert.equal(await refusalOf(call("a")), "ResourceExhausted inFlightPerTool 2");
  assert.equal(await refusalOf(call("c")), "ResourceExhausted inFlightPerAgent 3");
  assert.deepEqual(await world.counted(), {
    ...{ argumentsBytes: 1, outputBytes: 1, maxOpenCalls: 1, inFlightPerTool: 1, inFlightPerAgent: 1 },
  });
});

test("a limit that is none is refused before there is a bridge", () => {
  for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => createBridge({ limits: { maxOpenCalls: value } }), {
      code: "invalid_argument",
      message: /limits\.maxOpenCalls is .*; give a whole number from 1 to 2147483647/,
    });
  }
  assert.throws(() => createBridge({ limits: { eventBytes: 1_048_577 } }), /from 1 to 1048576/);
});
