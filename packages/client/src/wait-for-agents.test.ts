import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code, type HandlerContext } from "@connectrpc/connect";
import { AgentChange, type WatchAgentsResponse, WatchAgentsResponseSchema } from "@loom-bridge/protocol/messages";
import { BridgeClient } from "./bridge-client.ts";
import { FakeRuntime, settle } from "./fake-runtime.test-helper.ts";
import { ScriptedBridge, wireError } from "./scripted-bridge.test-helper.ts";

function tell(change: AgentChange, agentId: string): WatchAgentsResponse {
  return create(WatchAgentsResponseSchema, { change, agent: { agentId } });
}

type Watch = (context: HandlerContext) => AsyncGenerator<WatchAgentsResponse>;

/** Resolves when the client has gone. */
function gone({ signal }: HandlerContext): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

/** A client of a bridge that says this to the first watch, the second, and so on. */
function clientOf(watches: Watch[]): {
  client: BridgeClient;
  runtime: FakeRuntime;
} {
  const runtime = new FakeRuntime();
  const watchAgents = (_request: unknown, context: HandlerContext) =>
    watches.shift()?.(context) ?? assert.fail("watched too often");
  const bridge = new ScriptedBridge({ agents: { watchAgents } });
  return { client: new BridgeClient({ transport: bridge.transport(), runtime }), runtime };
}

test("the wait for agents is over when all are there at once, and goes on when the connection breaks", async () => {
  const { client, runtime } = clientOf([
    async function* () {
      yield tell(AgentChange.PRESENT, "a");
      yield tell(AgentChange.OFFLINE, "a");
      yield tell(AgentChange.ONLINE, "b");
      throw wireError(Code.Unavailable, "gone");
    },
    async function* (context) {
      yield tell(AgentChange.PRESENT, "b");
      yield tell(AgentChange.PRESENT, "stranger");
      yield tell(AgentChange.ONLINE, "a");
      await gone(context);
    },
  ]);
  let isOver = false;
  const waiting = client.waitForAgents(["a", "b"]).then(() => (isOver = true));
  await settle();
  assert.equal(isOver, false);
  await runtime.advance(500);
  await waiting;
  assert.equal(runtime.timers, 0);
});

test("the wait for agents ends in time and says who is missing; a signal ends it; a refusal is the bridge's", async () => {
  const onlyA: Watch = async function* (context) {
    yield tell(AgentChange.PRESENT, "a");
    await gone(context);
  };
  const refuse: Watch = async function* () {
    yield* [];
    throw wireError(Code.PermissionDenied, "not you");
  };
  const { client, runtime } = clientOf([onlyA, onlyA, refuse]);
  const late = assert.rejects(client.waitForAgents(["a", "b"], { timeoutMs: 100 }), {
    name: "RequestTimeoutError",
    message: /\("b"\)/,
  });
  await settle();
  await runtime.advance(100);
  await late;
  const controller = new AbortController();
  const canceled = assert.rejects(client.waitForAgents(["b"], { signal: controller.signal }), { code: "canceled" });
  await settle();
  controller.abort();
  await canceled;
  await assert.rejects(client.waitForAgents(["b"]), { code: "permission_denied" });
  assert.equal(runtime.timers, 0);
});
