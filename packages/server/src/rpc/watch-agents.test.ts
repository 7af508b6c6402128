import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, type ConnectError, createContextValues, type HandlerContext } from "@connectrpc/connect";
import { systemRuntime } from "@loom-bridge/protocol";
import {
  AgentChangeSchema,
  type ClientEventSchema,
  ErrorInfoSchema,
  WatchAgentsRequestSchema,
  type WatchAgentsResponse,
} from "@loom-bridge/protocol/messages";
import { createBridge } from "../bridge.ts";
import { openRemoteBridge, type RemoteBridge } from "../cli/remote/remote-bridge.ts";
import { parseTarget } from "../cli/remote/target.ts";
import { anyone, noGate } from "../domain/access/anyone.test-helper.ts";
import { EventBus } from "../domain/bus/event-bus.ts";
import { silentLogger } from "../domain/logger.ts";
import { createPresence } from "../domain/session/presence.ts";
import { SessionRegistry } from "../domain/session/session-registry.ts";
import { defaultSessionSettings } from "../domain/session/session-settings.ts";
import { createStreamEnds } from "../domain/session/stream-ends.ts";
import { admissionKey } from "../listener/admission.ts";
import { type BridgeServer, serve } from "../serve.ts";
import { createAgentService } from "./agent-service.ts";

type Said = MessageInitShape<typeof ClientEventSchema>;

let server: BridgeServer;
let remote: RemoteBridge;

beforeEach(async () => {
  server = await serve(createBridge(), { address: "127.0.0.1:0" });
  remote = openRemoteBridge({ target: parseTarget(server.address, false), credentials: {}, token: undefined });
});

afterEach(async () => {
  remote.close();
  await server.close({ graceMs: 200 });
});

/** A watch, change by change, each as "agent change reason". */
function watch(tool = ""): { next: () => Promise<string>; stop: () => void } {
  const abort = new AbortController();
  const responses = remote.agents.watchAgents({ tool }, { signal: abort.signal })[Symbol.asyncIterator]();
  return {
    next: async () => describe((await responses.next()).value),
    stop: () => abort.abort(),
  };
}

function describe({ change, agent, reason }: WatchAgentsResponse): string {
  const name = AgentChangeSchema.value[change]?.name.replace("AGENT_CHANGE_", "");
  return `${agent?.agentId ?? ""} ${name} ${reason}`.trim();
}

/** Opens a session that lasts until `leave`. */
async function join(agentId: string, toolName?: string): Promise<() => Promise<void>> {
  const { promise: leaving, resolve: leave } = Promise.withResolvers<void>();
  async function* says(): AsyncGenerator<Said> {
    const tools = toolName === undefined ? [] : [{ name: toolName }];
    yield { event: { case: "register", value: { agentId, tools } } };
    await leaving;
    yield { event: { case: "goodbye", value: {} } };
  }
  const hears = remote.bridge.stream(says())[Symbol.asyncIterator]();
  await hears.next();
  const ended = hears.next().catch(() => {});
  return async () => {
    leave();
    await ended;
  };
}

test("a watch tells who is here, that this was all, and then who comes and goes", async () => {
  const leaveFirst = await join("first");
  const { next, stop } = watch();
  assert.equal(await next(), "first PRESENT");
  assert.equal(await next(), "COMPLETE");
  await join("second");
  assert.equal(await next(), "second ONLINE");
  await leaveFirst();
  assert.equal(await next(), "first OFFLINE it left");
  stop();
});

test("a watch of a tool tells of its providers only, also of one that comes back without it", async () => {
  const { next, stop } = watch("web:search");
  assert.equal(await next(), "COMPLETE");
  await join("other", "web:fetch");
  await join("finder", "web:search");
  assert.equal(await next(), "finder ONLINE");
  await join("finder");
  assert.equal(await next(), "finder OFFLINE its newer session does not provide web:search");
  stop();
});

test("a watch ends with the bridge, as unavailable with a time to come back after", async () => {
  const { next } = watch();
  assert.equal(await next(), "COMPLETE");
  const ended = assert.rejects(next(), (error: ConnectError) => {
    assert.equal(error.code, Code.Unavailable);
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.details["retry_after_ms"], "1000");
    return true;
  });
  await server.close({ graceMs: 200 });
  await ended;
});

test("a watcher that does not read is told to read faster, and is told no more", async () => {
  const presence = createPresence(() => {});
  const bus = new EventBus({ runtime: systemRuntime, stallTimeoutMs: 1000 });
  const sessions = new SessionRegistry({
    bus,
    runtime: systemRuntime,
    logger: silentLogger,
    settings: defaultSessionSettings,
    tools: { register: () => ({ remove() {} }), call: () => assert.fail("nobody calls") },
    gatekeeper: noGate,
    onChange: presence.changed,
  });
  const service = createAgentService({
    sessions,
    presence,
    bus,
    gatekeeper: noGate,
    streamEnds: createStreamEnds(),
    logger: silentLogger,
  });
  const { signal } = new AbortController();
  const request = create(WatchAgentsRequestSchema);
  const context = { signal, values: createContextValues().set(admissionKey, anyone) } as HandlerContext;
  const responses = service.watchAgents(request, context)[Symbol.asyncIterator]();
  await responses.next();

  const register = { agentId: "restless", topics: [], subscriptions: [], tools: [], metadata: {} };
  for (let count = 0; count <= 4096; count += 1) sessions.open(register, anyone);

  await assert.rejects(responses.next(), { code: Code.ResourceExhausted, rawMessage: /4096 changes wait for it/ });
  sessions.close("the end");
});
