import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import {
  ToolRequestSchema,
  ToolResponseSchema,
  type ToolResultSchema,
  ToolStatus,
} from "@loom-bridge/protocol/messages";
import * as z from "zod";
import { settle } from "./fake-runtime.test-helper.ts";
import { startAgent } from "./running-agent.test-helper.ts";
import { type ScriptedStream, wireError } from "./scripted-bridge.test-helper.ts";
import { defineTool } from "./tools/define-tool.ts";
import type { ToolContext } from "./tools/tool-context.ts";

const lost = wireError(Code.Unavailable, "going down");

test("a call that may run twice is made again after a reconnect, under its key; one that was not sent waits", async () => {
  const { agent, bridge, stream, runtime } = await startAgent();
  const define = (effect: "read" | "idempotent") =>
    defineTool({ name: effect, effect, description: "", input: z.object({}), run: () => null });
  const calls = [
    agent.callTool(define("read"), {}),
    agent.callTool(define("idempotent"), {}),
    agent.callTool("by name", {}, { idempotencyKey: "mine" }),
  ];
  const keys = async (from: ScriptedStream, count: number): Promise<(readonly [number, string])[]> => {
    const requests = [];
    while (requests.length < count) requests.push(await from.receive("toolRequest"));
    return requests.map(({ ref, call }) => [ref, call?.idempotencyKey ?? ""] as const);
  };
  const first = await keys(stream, 3);
  assert.equal(first[0]?.[1], "");
  assert.notEqual(first[1]?.[1], "");
  assert.equal(first[2]?.[1], "mine");
  stream.end(lost);
  await settle();
  calls.push(agent.callTool("once", {}));
  await runtime.advance(500);
  const again = await bridge.acceptAgent();
  const repeated = await keys(again, 4);
  assert.deepEqual(repeated.slice(0, 3), first);
  for (const [ref] of repeated) {
    again.send({ case: "toolResponse", value: create(ToolResponseSchema, { ref, result: { output: String(ref) } }) });
  }
  assert.deepEqual(await Promise.all(calls), [1, 2, 3, 4]);
  await agent.stop();
});

test("a call after a reconnect waits for a tool whose provider is not back yet, for 12 s and no longer", async () => {
  const { agent, bridge, stream, runtime } = await startAgent();
  const backSoon = agent.callTool("back soon", {}, { idempotencyKey: "mine" });
  await stream.receive("toolRequest");
  stream.end(lost);
  await settle();
  await runtime.advance(250);
  const again = await bridge.acceptAgent();
  const answer = async (result: MessageInitShape<typeof ToolResultSchema>): Promise<void> => {
    const { ref } = await again.receive("toolRequest");
    again.send({ case: "toolResponse", value: create(ToolResponseSchema, { ref, result }) });
    await settle();
  };
  const notFound = { status: ToolStatus.TOOL_NOT_FOUND, error: { code: "NOT_FOUND", message: "not here" } };
  await answer(notFound);
  await runtime.advance(500);
  await answer({ output: '"here"' });
  assert.equal(await backSoon, "here");
  const neverBack = assert.rejects(agent.callTool("never back", {}), { code: "not_found" });
  for (let elapsedMs = 500; elapsedMs < 12_000; elapsedMs += 500) {
    await answer(notFound);
    await runtime.advance(500);
  }
  await answer(notFound);
  await neverBack;
  await agent.stop();
  assert.equal(runtime.timers, 0);
});

test("a call on behalf of one that the agent serves ends with that, and is never sent on another stream", async () => {
  let context: ToolContext | undefined;
  const serve = defineTool({
    name: "serve",
    description: "",
    input: z.object({}),
    run: (_, given) => new Promise(() => (context = given)),
  });
  const { agent, bridge, stream, runtime } = await startAgent({ tools: [serve] });
  const request = { ref: 7, call: { id: "c", name: "serve" }, caller: "a", callers: ["first", "a"] };
  stream.send({ case: "toolRequest", value: create(ToolRequestSchema, request) });
  await settle();
  assert.deepEqual(context?.callers, ["first", "a"]);
  const sent = agent.callTool("x", {}, { onBehalfOf: context, idempotencyKey: "mine" });
  assert.equal((await stream.receive("toolRequest")).onBehalfOf, 7);
  const unknown = assert.rejects(sent, { name: "OutcomeUnknownError" });
  stream.end(lost);
  await unknown;
  await assert.rejects(agent.callTool("x", {}, { onBehalfOf: context }), { code: "failed_precondition" });
  await runtime.advance(500);
  const again = await bridge.acceptAgent();
  await assert.rejects(agent.callTool("x", {}, { onBehalfOf: context }), { code: "failed_precondition" });
  void agent.callTool("own", {}).catch(() => {});
  const { call, onBehalfOf } = await again.receive("toolRequest");
  assert.deepEqual([call?.name, onBehalfOf], ["own", 0]);
  await agent.stop();
});
