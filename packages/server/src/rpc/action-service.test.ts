import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { ActionService, ProviderKind, ToolStatus } from "@loom-bridge/protocol/messages";
import type { Access } from "../domain/access/access.ts";
import { anyone } from "../domain/access/anyone.test-helper.ts";
import type { Presented } from "../domain/access/authenticator.ts";
import { agentOf } from "../domain/access/speaking-agent.ts";
import { silentJournal } from "../domain/journal/journal.ts";
import { silentLogger } from "../domain/logger.ts";
import { createManualRuntime } from "../domain/manual-runtime.ts";
import { type BridgeTool, createBridgeToolProvider } from "../domain/tools/bridge-tool.ts";
import { createCallAs } from "../domain/tools/call-as.ts";
import type { ToolInvocation, ToolProvider } from "../domain/tools/tool.ts";
import { createToolBroker } from "../domain/tools/tool-broker.ts";
import { createToolRegistry } from "../domain/tools/tool-registry.ts";
import { createTypeboxCompiler } from "../schema/typebox-compiler.ts";
import { createInMemoryCallResults } from "../stores/call-results/in-memory-call-results.ts";
import { createAdmissionInterceptor } from "./access-of.ts";
import { createActionService } from "./action-service.ts";
import { createErrorInterceptor } from "./connect-error.ts";

const describe = (name: string, parametersSchema = "") => ({
  name,
  description: `does ${name}`,
  parametersSchema,
  metadata: { version: "1" },
});

function setup() {
  const runtime = createManualRuntime();
  const registry = createToolRegistry({ compiler: createTypeboxCompiler() });
  const broker = createToolBroker({ registry, runtime, logger: silentLogger, results: createInMemoryCallResults() });
  const admit = ({ header }: Presented): Access => agentOf(anyone, header);
  const callAs = createCallAs(broker, silentJournal);
  const transport = createRouterTransport(
    (router) => router.service(ActionService, createActionService({ callAs, registry })),
    {
      router: {
        interceptors: [createErrorInterceptor(silentLogger), createAdmissionInterceptor({ admit }, silentLogger)],
      },
    },
  );
  return { runtime, registry, client: createClient(ActionService, transport) };
}

const echo: BridgeTool = {
  descriptor: describe("echo", '{"type":"object","required":["text"]}'),
  run: async ({ text }, { caller }) => ({ text: String(text), caller }),
};

test("a tool is called and its result has the call's id", async () => {
  const { registry, client } = setup();
  registry.register(createBridgeToolProvider([echo]), [echo.descriptor]);
  const call = { id: "1", name: "echo", arguments: '{"text":"hi"}' };
  const result = await client.forwardToolCall(call, { headers: { "loom-agent-id": "planner" } });
  assert.deepEqual([result.id, result.status], ["1", ToolStatus.TOOL_OK]);
  assert.deepEqual(JSON.parse(result.output), { text: "hi", caller: "planner" });
});

test("a tool's failure is an answer, a wrong call is an error", async () => {
  const { registry, client } = setup();
  registry.register(createBridgeToolProvider([echo]), [echo.descriptor]);
  const missing = await client.forwardToolCall({ name: "nope" });
  assert.deepEqual([missing.status, missing.error?.message], [ToolStatus.TOOL_NOT_FOUND, "Tool not found: nope"]);
  const invalid = await client.forwardToolCall({ name: "echo" });
  assert.deepEqual([invalid.status, invalid.error?.code], [ToolStatus.TOOL_INVALID_ARGUMENTS, "INVALID_ARGUMENTS"]);
  await assert.rejects(
    client.forwardToolCall({ name: "echo", timeoutMs: -1 }),
    (error) => error instanceof ConnectError && error.code === Code.InvalidArgument && /timeout_ms/.test(error.message),
  );
});

test("a caller that cancels its request reaches the provider", async () => {
  const { registry, client } = setup();
  const called = Promise.withResolvers<AbortSignal>();
  const provider: ToolProvider = {
    kind: "agent",
    id: "a",
    call: (_: ToolInvocation, signal) => {
      called.resolve(signal);
      return new Promise(() => {});
    },
  };
  registry.register(provider, [describe("slow")]);
  const caller = new AbortController();
  const result = client.forwardToolCall({ name: "slow" }, { signal: caller.signal });
  const signal = await called.promise;
  caller.abort();
  await assert.rejects(result, (error) => error instanceof ConnectError && error.code === Code.Canceled);
  assert.equal(signal.aborted, true);
});

test("tools are listed by prefix with their schema, their kind and who provides them", async () => {
  const { registry, client } = setup();
  registry.register(createBridgeToolProvider([echo]), [echo.descriptor]);
  const agent = (id: string): ToolProvider => ({ kind: "agent", id, call: () => new Promise(() => {}) });
  for (const id of ["b", "a"]) registry.register(agent(id), [describe("price:now", "{}")]);
  const { tools } = await client.listTools({});
  assert.deepEqual(
    tools.map(({ name, provider, providers, parametersSchema }) => [name, provider, providers, parametersSchema]),
    [
      ["echo", ProviderKind.BRIDGE, [], echo.descriptor.parametersSchema],
      ["price:now", ProviderKind.AGENT, ["a", "b"], "{}"],
    ],
  );
  assert.deepEqual([tools[0]?.description, tools[0]?.metadata["version"]], ["does echo", "1"]);
  const some = await client.listTools({ prefix: "pri" });
  assert.deepEqual(
    some.tools.map(({ name }) => name),
    ["price:now"],
  );
});
