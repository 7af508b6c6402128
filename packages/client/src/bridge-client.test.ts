import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code, type HandlerContext } from "@connectrpc/connect";
import { LoomError } from "@loom-bridge/protocol";
import {
  type ClientEvent,
  ClientEventSchema,
  GetExecutionStatsResponseSchema,
  GetInfoResponseSchema,
  RegisterSchema,
  SavePlanResponseSchema,
  ToolResultSchema,
  ToolStatus,
} from "@loom-bridge/protocol/messages";
import { BridgeClient } from "./bridge-client.ts";
import type { BridgeClientOptions } from "./bridge-client-options.ts";
import { ConnectionError } from "./errors/connection-error.ts";
import { FakeRuntime, settle } from "./fake-runtime.test-helper.ts";
import { ScriptedBridge, wireError } from "./scripted-bridge.test-helper.ts";

function inMemory(bridge: ScriptedBridge, options: BridgeClientOptions = {}): BridgeClient {
  return new BridgeClient({ transport: bridge.transport(), ...options });
}

const never = (context: HandlerContext): Promise<never> =>
  new Promise((_resolve, reject) => context.signal.addEventListener("abort", () => reject(context.signal.reason)));

class RegisterThenSilence implements AsyncIterableIterator<ClientEvent> {
  returned = false;
  #sent = false;

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<ClientEvent>> {
    if (this.#sent) return new Promise(() => {});
    this.#sent = true;
    const event = { case: "register", value: create(RegisterSchema, { agentId: "a" }) } as const;
    return Promise.resolve({ done: false, value: create(ClientEventSchema, { event }) });
  }

  return(): Promise<IteratorResult<ClientEvent>> {
    this.returned = true;
    return Promise.resolve({ done: true, value: undefined });
  }
}

test("the constructor beats LOOM_BRIDGE_ADDR, which beats localhost:50051", () => {
  const before = process.env["LOOM_BRIDGE_ADDR"];
  try {
    delete process.env["LOOM_BRIDGE_ADDR"];
    assert.equal(new BridgeClient().address, "http://localhost:50051");
    process.env["LOOM_BRIDGE_ADDR"] = "from-env:1";
    assert.equal(new BridgeClient().address, "http://from-env:1");
    assert.equal(new BridgeClient({ address: "given:2" }).address, "http://given:2");
    process.env["LOOM_BRIDGE_ADDR"] = "no address";
    assert.throws(() => new BridgeClient(), { code: "invalid_argument" });
  } finally {
    if (before === undefined) delete process.env["LOOM_BRIDGE_ADDR"];
    else process.env["LOOM_BRIDGE_ADDR"] = before;
  }
});

test("connecting to a port where nobody listens fails with the address and what to try", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const client = new BridgeClient({ address: `localhost:${port}` });
  await assert.rejects(client.connect(), (error) => {
    assert.ok(error instanceof ConnectionError && LoomError.isInstance(error));
    assert.equal(error.code, "unavailable");
    assert.equal(error.retryable, true);
    assert.match(error.message, new RegExp(`localhost:${port}.*loom-bridge up.*doctor`));
    assert.ok(error.cause);
    return true;
  });
});

test("a peer that accepts and says nothing is given up on, and the next attempt starts afresh", async () => {
  const runtime = new FakeRuntime();
  let sockets = 0;
  const server = createServer(() => void (sockets += 1));
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const client = new BridgeClient({ address: `localhost:${(server.address() as AddressInfo).port}`, runtime });
  for (const attempt of [1, 2]) {
    const connecting = assert.rejects(client.connect(), { code: "unavailable", name: "ConnectionError" });
    while (sockets < attempt) await settle(1);
    await runtime.advance(10_000);
    await connecting;
  }
  await client.disconnect();
  server.close();
});

test("connect asks the bridge once, however often it is called", async () => {
  let asked = 0;
  const bridge = new ScriptedBridge({ bridge: { getInfo: () => create(GetInfoResponseSchema, { agents: ++asked }) } });
  const client = inMemory(bridge);
  await Promise.all([client.connect(), client.connect()]);
  await client.connect();
  assert.equal(asked, 1);
});

test("a bridge that does not know GetInfo is a bridge", async () => {
  const getInfo = (): never => {
    throw wireError(Code.Unimplemented, "unknown method");
  };
  await inMemory(new ScriptedBridge({ bridge: { getInfo } })).connect();
});

test("connecting without the right to keeps the bridge's reason", async () => {
  const getInfo = (): never => {
    throw wireError(Code.Unauthenticated, "no token");
  };
  const connecting = inMemory(new ScriptedBridge({ bridge: { getInfo } })).connect();
  await assert.rejects(connecting, { code: "unauthenticated", message: /no token/ });
});

test("a call connects by itself, and after disconnect only on request", async () => {
  const bridge = new ScriptedBridge({ memory: { savePlan: () => create(SavePlanResponseSchema, { planHash: "h" }) } });
  const client = inMemory(bridge);
  assert.equal((await client.savePlan({ sessionId: "s", plan: { symbol: "BTC", action: "BUY" } })).planHash, "h");
  await client.disconnect();
  await assert.rejects(client.getInfo(), { code: "failed_precondition", message: /connect\(\)/ });
  await client.connect();
  assert.equal((await client.getInfo()).name, "loom-bridge");
});

test("every call of the seed exists and carries what it is given", async () => {
  const seen: string[] = [];
  const note =
    (name: string) =>
    (request: object): Record<string, never> => {
      const { sessionId, name: tool } = request as { sessionId?: string; name?: string };
      seen.push(`${name} ${sessionId ?? tool ?? ""}`);
      return {};
    };
  const bridge = new ScriptedBridge({
    memory: {
      savePlan: note("savePlan"),
      checkDuplicate: note("checkDuplicate"),
      getRecentPlans: note("getRecentPlans"),
      markExecuted: note("markExecuted"),
      checkExecuted: note("checkExecuted"),
      getExecutionStats: () => create(GetExecutionStatsResponseSchema, { winRate: 0.5 }),
    },
    action: { forwardToolCall: note("forwardToolCall"), listTools: note("listTools") },
    agents: { listAgents: note("listAgents") },
    bridge: { publish: note("publish"), getStats: note("getStats") },
  });
  const client = inMemory(bridge);
  const sessionId = "s";
  await client.savePlan({ sessionId });
  await client.checkDuplicate({ sessionId });
  await client.getRecentPlans({ sessionId });
  await client.markExecuted({ sessionId });
  await client.checkExecuted({ sessionId });
  assert.equal((await client.getExecutionStats({ sessionId })).winRate, 0.5);
  await client.forwardToolCall({ name: "web:search" });
  await client.listTools();
  await client.listAgents();
  await client.publish({ topic: "a" });
  await client.getStats();
  assert.deepEqual(seen, [
    "savePlan s",
    "checkDuplicate s",
    "getRecentPlans s",
    "markExecuted s",
    "checkExecuted s",
    "forwardToolCall web:search",
    "listTools ",
    "listAgents ",
    "publish ",
    "getStats ",
  ]);
});

test("metadata goes with every call and stream, and a function is asked each time", async () => {
  const seen: (string | null)[] = [];
  const bridge = new ScriptedBridge({
    action: {
      listTools: (_request, context) => {
        seen.push(context.requestHeader.get("authorization"));
        return {};
      },
    },
  });
  let token = 0;
  const client = inMemory(bridge, { metadata: async () => [["authorization", `Bearer ${++token}`]] });
  await client.listTools();
  await client.listTools();
  assert.deepEqual(seen, ["Bearer 2", "Bearer 3"], "the first was for connecting");
  const reading = client.stream(new RegisterThenSilence()).next();
  assert.equal((await bridge.accept()).headers.get("authorization"), "Bearer 4");
  await client.disconnect();
  assert.equal((await reading).done, true);
});

test("a call has a deadline of 30 s, a tool call its own time and 5 s", async () => {
  const runtime = new FakeRuntime();
  const bridge = new ScriptedBridge({
    memory: { savePlan: (_request, context) => never(context) },
    action: { forwardToolCall: (_request, context) => never(context) },
  });
  const client = inMemory(bridge, { runtime });
  await client.connect();
  const outcomes: string[] = [];
  const note = (name: string) => (error: LoomError) => void outcomes.push(`${name} ${error.name} ${error.code}`);
  client.savePlan({}).catch(note("savePlan"));
  client.savePlan({}, { timeoutMs: 50 }).catch(note("short"));
  client.forwardToolCall({ name: "t", timeoutMs: 1000 }).catch(note("tool"));
  await settle();
  await runtime.advance(50);
  assert.deepEqual(outcomes, ["short RequestTimeoutError deadline_exceeded"]);
  await runtime.advance(5949);
  assert.equal(outcomes.length, 1);
  await runtime.advance(1);
  assert.equal(outcomes.at(-1), "tool RequestTimeoutError deadline_exceeded");
  await runtime.advance(24_000);
  assert.equal(outcomes.at(-1), "savePlan RequestTimeoutError deadline_exceeded");
  assert.equal(runtime.timers, 0);
});

test("a signal ends a call with canceled", async () => {
  const bridge = new ScriptedBridge({ memory: { savePlan: (_request, context) => never(context) } });
  const client = inMemory(bridge);
  const controller = new AbortController();
  const call = client.savePlan({}, { signal: controller.signal });
  await settle();
  controller.abort();
  await assert.rejects(call, { code: "canceled" });
});

test("an error of the bridge keeps its code; a tool that fails is no error", async () => {
  const bridge = new ScriptedBridge({
    memory: {
      savePlan: () => {
        throw wireError(Code.ResourceExhausted, "too many sessions");
      },
    },
    action: { forwardToolCall: () => create(ToolResultSchema, { status: ToolStatus.TOOL_TIMEOUT }) },
  });
  const client = inMemory(bridge);
  await assert.rejects(client.savePlan({}), {
    code: "resource_exhausted",
    retryable: false,
    message: "[resource_exhausted] too many sessions",
  });
  assert.equal((await client.forwardToolCall({ name: "t" })).status, ToolStatus.TOOL_TIMEOUT);
  await assert.rejects(client.savePlan({ timeWindowSec: 2 ** 40 }), { code: "invalid_argument" });
});

for (const protocol of ["grpc", "connect", "grpc-web"] as const) {
  test(`calls work over sockets with ${protocol}`, async () => {
    const bridge = new ScriptedBridge();
    const server = await bridge.listen();
    await using client = new BridgeClient({ address: server.address, protocol });
    assert.equal((await client.getInfo()).version, "scripted");
    await client.disconnect();
    await server.close();
  });
}

for (const how of ["memory", "sockets"] as const) {
  test(`leaving the loop over a stream ends the call (${how})`, async () => {
    const bridge = new ScriptedBridge();
    const server = how === "sockets" ? await bridge.listen() : undefined;
    const client = server === undefined ? inMemory(bridge) : new BridgeClient({ address: server.address });
    const outbound = new RegisterThenSilence();
    let deliveries = 0;
    const accepting = bridge.acceptAgent();
    for await (const delivery of client.stream(outbound)) {
      deliveries += 1;
      assert.equal(delivery.delivery.case, "ack");
      break;
    }
    const stream = await accepting;
    assert.equal(deliveries, 1);
    while (!stream.halfClosed) await settle(1);
    assert.equal(outbound.returned, true);
    await client.disconnect();
    await server?.close();
  });
}

test("disconnect ends the loop over a stream, a signal ends it with canceled", async () => {
  const bridge = new ScriptedBridge();
  const client = inMemory(bridge);
  const reading = client.stream(new RegisterThenSilence());
  const first = reading.next();
  await bridge.acceptAgent();
  assert.equal((await first).done, false);
  const second = reading.next();
  await client.disconnect();
  assert.deepEqual(await second, { done: true, value: undefined });

  await client.connect();
  const controller = new AbortController();
  const other = client.stream(new RegisterThenSilence(), { signal: controller.signal }).next();
  await bridge.accept();
  controller.abort();
  await assert.rejects(other, { code: "canceled" });
});

test("a stream that is never read costs nothing and fails nowhere", async () => {
  const client = new BridgeClient({ address: "localhost:1" });
  client.stream(new RegisterThenSilence());
  await settle();
  await client.disconnect();
});

test("a bridge that dies shows as unavailable, whatever the transport calls it", async () => {
  const bridge = new ScriptedBridge();
  const server = await bridge.listen();
  const client = new BridgeClient({ address: server.address });
  const reading = client.stream(new RegisterThenSilence());
  const first = reading.next();
  await bridge.acceptAgent();
  await first;
  const second = reading.next();
  for (const session of server.sessions) session.destroy();
  await assert.rejects(second, { code: "unavailable", name: "ConnectionError", retryable: true });
  await client.disconnect();
  await server.close();
});
