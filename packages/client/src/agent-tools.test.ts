import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import {
  type ToolCallSchema,
  ToolCancelSchema,
  ToolRequestSchema,
  ToolResponseSchema,
  type ToolResultSchema,
  ToolStatus,
} from "@loom-bridge/protocol/messages";
import * as z from "zod";
import { ToolError } from "./errors/tool-error.ts";
import { settle } from "./fake-runtime.test-helper.ts";
import { startAgent } from "./running-agent.test-helper.ts";
import { type ScriptedStream, wireError } from "./scripted-bridge.test-helper.ts";
import { defineTool } from "./tools/define-tool.ts";
import type { ToolContext } from "./tools/tool-context.ts";

const add = defineTool({
  name: "math:add",
  description: "Adds",
  input: z.object({ a: z.number(), b: z.number().default(1) }),
  run: ({ a, b }) => ({ sum: a + b }),
});

function callAgent(stream: ScriptedStream, ref: number, call: MessageInitShape<typeof ToolCallSchema>): void {
  stream.send({ case: "toolRequest", value: create(ToolRequestSchema, { ref, call, caller: "bob" }) });
}

function answer(stream: ScriptedStream, ref: number, result: MessageInitShape<typeof ToolResultSchema>): void {
  stream.send({ case: "toolResponse", value: create(ToolResponseSchema, { ref, result }) });
}

function toolThat(
  run: (args: unknown, context: ToolContext) => unknown,
  timeoutMs?: number,
): ReturnType<typeof defineTool> {
  const common = { name: "t", description: "", input: z.looseObject({}), run };
  return defineTool(timeoutMs === undefined ? common : { ...common, timeoutMs });
}

test("an agent's tools are registered with their schemas and answer calls", async () => {
  const { stream } = await startAgent({ tools: [add] });
  const { event } = stream.received[0] ?? {};
  assert.ok(event?.case === "register");
  assert.equal(event.value.tools[0]?.name, "math:add");
  assert.equal(JSON.parse(event.value.tools[0]?.parametersSchema ?? "").properties.a.type, "number");
  callAgent(stream, 7, { id: "c1", name: "math:add", arguments: '{"a":2}' });
  const { ref, result } = await stream.receive("toolResponse");
  assert.deepEqual([ref, result?.id, result?.status, result?.output], [7, "c1", ToolStatus.TOOL_OK, '{"sum":3}']);
});

test("what a call gets wrong, and what a tool gets wrong, has its status and code", async () => {
  const thrower = (name: string, error: unknown): ReturnType<typeof defineTool> =>
    defineTool({
      name,
      description: "",
      input: z.object({}),
      run: () => {
        throw error;
      },
    });
  const tools = [
    add,
    thrower("boom", new Error("no disk")),
    thrower("own", new ToolError("OUT_OF_STOCK", "none left", { details: { item: "x" } })),
    defineTool({ name: "big", description: "", input: z.object({}), run: () => "x".repeat(1_048_577) }),
    defineTool({ name: "nothing", description: "", input: z.object({}), run: () => {} }),
    defineTool({ name: "circle", description: "", input: z.object({}), run: () => 1n }),
    defineTool({
      name: "liar",
      description: "",
      input: z.object({}),
      output: z.object({ n: z.number() }),
      run: () => ({ n: "1" as unknown as number }),
    }),
  ];
  const { stream } = await startAgent({ tools });
  const expected: [name: string, args: string, status: ToolStatus, code: string, text: RegExp][] = [
    ["math:add", "{", ToolStatus.TOOL_INVALID_ARGUMENTS, "INVALID_ARGUMENTS", /no JSON/],
    ["math:add", '{"a":"1"}', ToolStatus.TOOL_INVALID_ARGUMENTS, "INVALID_ARGUMENTS", /a: /],
    ["math:add", "", ToolStatus.TOOL_INVALID_ARGUMENTS, "INVALID_ARGUMENTS", /a: /],
    ["missing", "", ToolStatus.TOOL_NOT_FOUND, "NOT_FOUND", /missing/],
    ["boom", "", ToolStatus.TOOL_ERROR, "EXECUTION_ERROR", /no disk/],
    ["own", "", ToolStatus.TOOL_ERROR, "OUT_OF_STOCK", /none left/],
    ["big", "", ToolStatus.TOOL_ERROR, "RESULT_TOO_LARGE", /1048576/],
    ["circle", "", ToolStatus.TOOL_ERROR, "INVALID_RESULT", /BigInt/],
    ["liar", "", ToolStatus.TOOL_ERROR, "INVALID_RESULT", /n: /],
  ];
  for (const [index, [name, args, status, code, text]] of expected.entries()) {
    callAgent(stream, index + 1, { name, arguments: args });
    const { result } = await stream.receive("toolResponse");
    assert.deepEqual([result?.status, result?.error?.code], [status, code], name);
    assert.match(result?.error?.message ?? "", text);
    if (name === "own") assert.deepEqual(result?.error?.details, { item: "x" });
  }
  callAgent(stream, 99, { name: "nothing" });
  assert.equal((await stream.receive("toolResponse")).result?.output, "null");
});

test("a tool knows its caller, and its signal aborts when the call is cancelled; no answer follows", async () => {
  let context: ToolContext | undefined;
  const tool = toolThat((_args, given) => {
    context = given;
    return new Promise((resolve) => given.signal.addEventListener("abort", () => resolve("late")));
  });
  const { stream, runtime } = await startAgent({ tools: [tool] });
  callAgent(stream, 1, { id: "c", name: "t", timeoutMs: 1000, headers: { h: "1" }, correlationId: "co" });
  await settle();
  await runtime.advance(400);
  assert.deepEqual(
    [
      context?.agentId,
      context?.callId,
      context?.caller,
      context?.headers,
      context?.correlationId,
      context?.remainingMs(),
    ],
    ["me", "c", "bob", { h: "1" }, "co", 600],
  );
  stream.send({ case: "toolCancel", value: create(ToolCancelSchema, { ref: 1 }) });
  await settle();
  assert.equal(context?.signal.aborted, true);
  assert.equal(stream.count("toolResponse"), 0);
});

test("a call's time, or the tool's own if it is shorter, ends in a timeout at once", async () => {
  const signals: AbortSignal[] = [];
  const hang = (_args: unknown, { signal }: ToolContext): Promise<never> => {
    signals.push(signal);
    return new Promise(() => {});
  };
  const { stream, runtime } = await startAgent({ tools: [toolThat(hang, 50)] });
  callAgent(stream, 1, { name: "t", timeoutMs: 20 });
  callAgent(stream, 2, { name: "t", timeoutMs: 1000 });
  await settle();
  await runtime.advance(20);
  const first = await stream.receive("toolResponse");
  assert.deepEqual(
    [first.ref, first.result?.status, first.result?.error?.code],
    [1, ToolStatus.TOOL_TIMEOUT, "TIMEOUT"],
  );
  await runtime.advance(30);
  const second = await stream.receive("toolResponse");
  assert.deepEqual([second.ref, second.result?.status], [2, ToolStatus.TOOL_TIMEOUT]);
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [true, true],
  );
});

test("64 calls run at a time, 1024 wait, and the next is told that the agent is busy", async () => {
  let running = 0;
  const finish: (() => void)[] = [];
  const tool = toolThat(() => {
    running += 1;
    return new Promise<void>((resolve) => finish.push(resolve));
  });
  const { stream } = await startAgent({ tools: [tool] });
  for (let ref = 1; ref <= 64 + 1024 + 1; ref += 1) callAgent(stream, ref, { name: "t" });
  const busy = await stream.receive("toolResponse");
  assert.deepEqual([busy.ref, busy.result?.error?.code], [1089, "EXECUTION_ERROR"]);
  assert.match(busy.result?.error?.message ?? "", /busy/);
  assert.equal(running, 64);
  finish[0]?.();
  await stream.receive("toolResponse");
  await settle();
  assert.equal(running, 65);
});

test("a busy event handler does not hold tools up", async () => {
  const { stream } = await startAgent({ tools: [add], topics: ["a"], onEvent: () => new Promise(() => {}) });
  stream.sendEvent(1, "a", { type: "t" });
  callAgent(stream, 1, { name: "math:add", arguments: '{"a":1}' });
  assert.equal((await stream.receive("toolResponse")).result?.output, '{"sum":2}');
});

test("calling a tool goes over the stream and returns its output", async () => {
  const { agent, stream } = await startAgent();
  const calling = agent.callTool("web:search", { query: "x" }, { id: "c1", timeoutMs: 500, headers: { h: "1" } });
  const other = agent.callTool("cache:get");
  const { ref, call } = await stream.receive("toolRequest");
  assert.deepEqual(
    [call?.id, call?.name, call?.arguments, call?.timeoutMs],
    ["c1", "web:search", '{"query":"x"}', 500],
  );
  assert.deepEqual(call?.headers, { h: "1" });
  const second = await stream.receive("toolRequest");
  assert.deepEqual([second.ref === ref, second.call?.arguments], [false, ""]);
  answer(stream, second.ref, { output: "" });
  answer(stream, ref, { output: '{"hits":[1]}' });
  assert.deepEqual(await calling, { hits: [1] });
  assert.equal(await other, null);
});

test("a tool that fails is a ToolError with everything that the result says", async () => {
  const { agent, stream } = await startAgent();
  const codes: [status: ToolStatus, toolCode: string, code: string][] = [
    [ToolStatus.TOOL_NOT_FOUND, "NOT_FOUND", "not_found"],
    [ToolStatus.TOOL_INVALID_ARGUMENTS, "INVALID_ARGUMENTS", "invalid_argument"],
    [ToolStatus.TOOL_TIMEOUT, "TIMEOUT", "deadline_exceeded"],
    [ToolStatus.TOOL_ERROR, "PERMISSION_DENIED", "permission_denied"],
    [ToolStatus.TOOL_ERROR, "PROVIDER_LOST", "unknown"],
    [ToolStatus.TOOL_ERROR, "OUT_OF_STOCK", "internal"],
  ];
  for (const [status, toolCode, code] of codes) {
    const calling = agent.callTool("t");
    const { ref } = await stream.receive("toolRequest");
    answer(stream, ref, { id: "c9", status, error: { code: toolCode, message: "why", details: { k: "v" } } });
    await assert.rejects(calling, (error) => {
      assert.ok(error instanceof ToolError);
      assert.deepEqual([error.status, error.toolCode, error.code, error.callId], [status, toolCode, code, "c9"]);
      assert.equal(error.details["k"], "v");
      assert.match(error.message, /"t": why/);
      return true;
    });
  }
});

test("a signal cancels a call here and there", async () => {
  const { agent, stream } = await startAgent();
  const controller = new AbortController();
  const calling = agent.callTool("t", {}, { signal: controller.signal });
  const { ref } = await stream.receive("toolRequest");
  controller.abort(new Error("changed my mind"));
  await assert.rejects(calling, { code: "canceled" });
  assert.equal((await stream.receive("toolCancel")).ref, ref);
  answer(stream, ref, { output: "1" });
  await assert.rejects(agent.callTool("t", {}, { signal: controller.signal }), { code: "canceled" });
  await settle();
  assert.equal(stream.count("toolRequest"), 1);
});

test("a bridge that never answers a call is given up on 5 s after the call's time", async () => {
  const { agent, stream, runtime } = await startAgent();
  const calling = assert.rejects(agent.callTool("t", {}, { timeoutMs: 1000 }), { name: "RequestTimeoutError" });
  await stream.receive("toolRequest");
  await runtime.advance(5999);
  assert.equal(stream.count("toolCancel"), 0);
  await runtime.advance(1);
  await calling;
  await stream.receive("toolCancel");
});

test("arguments that cannot be sent are refused before anything is sent", async () => {
  const { agent } = await startAgent();
  await assert.rejects(agent.callTool("t", { n: 1n }), { code: "invalid_argument" });
  await assert.rejects(agent.callTool("t", {}, { timeoutMs: 1.5 }), { code: "invalid_argument" });
  await assert.rejects(agent.callTool("t", "x".repeat(262_144)), { code: "invalid_argument", message: /262144/ });
});

test("when the stream ends, open calls have an unknown outcome and running tools are told to stop", async () => {
  let signal: AbortSignal | undefined;
  const tool = toolThat((_args, context) => {
    signal = context.signal;
    return new Promise(() => {});
  });
  const { agent, stream, runtime } = await startAgent({ tools: [tool], reconnect: false });
  const calling = agent.callTool("other");
  await stream.receive("toolRequest");
  callAgent(stream, 1, { name: "t" });
  await settle();
  stream.end(wireError(Code.Unavailable, "gone"));
  await assert.rejects(calling, { code: "unknown", details: { outcome: "UNKNOWN" } });
  assert.equal(signal?.aborted, true);
  await settle();
  assert.equal(runtime.timers, 0);
});

test("a handler calls tools with the seed's words, and the trace goes along", async () => {
  const outputs: unknown[] = [];
  const { stream } = await startAgent({
    topics: ["a"],
    onEvent: async (context) =>
      void outputs.push(await context.tool("cache:get", { payload: { key: "x" }, timeoutMs: 1000 })),
  });
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  stream.sendEvent(1, "a", { type: "t", traceId, spanId: "b7ad6b7169203331" });
  const { ref, call } = await stream.receive("toolRequest");
  assert.deepEqual([call?.arguments, call?.timeoutMs, call?.headers["trace_id"]], ['{"key":"x"}', 1000, traceId]);
  answer(stream, ref, { output: '"value"' });
  await stream.receive("eventAck");
  assert.deepEqual(outputs, ["value"]);
});
