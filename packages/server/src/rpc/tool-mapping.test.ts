import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ToolCallSchema,
  ToolDescriptorSchema,
  ToolEffect,
  ToolResultSchema,
  ToolStatus,
} from "@loom-bridge/protocol/messages";
import type { ToolOutcome } from "../domain/tools/tool.ts";
import { fromChain } from "./chain-mapping.ts";
import { fromToolInvocation, fromToolOutcome, toCallRequest, toToolDescriptor, toToolOutcome } from "./tool-mapping.ts";

const outcome = (result: MessageInitShape<typeof ToolResultSchema>) => toToolOutcome(create(ToolResultSchema, result));
const codeOf = (result: ToolOutcome) => (result.status === "ok" ? result.output : `${result.status} ${result.code}`);

test("what an agent answers becomes an outcome", () => {
  const cases: [MessageInitShape<typeof ToolResultSchema>, string][] = [
    [{ status: ToolStatus.TOOL_OK, output: '{"a":1}' }, '{"a":1}'],
    [{ status: ToolStatus.TOOL_OK, output: "" }, "null"],
    [{ status: ToolStatus.TOOL_ERROR }, "error EXECUTION_ERROR"],
    [{ status: ToolStatus.TOOL_ERROR, error: { code: "QUOTA" } }, "error QUOTA"],
    [{ status: ToolStatus.TOOL_ERROR, error: { code: "PERMISSION_DENIED" } }, "error PERMISSION_DENIED"],
    [{ status: ToolStatus.TOOL_ERROR, error: { code: "INVALID_INPUT" } }, "invalid_arguments INVALID_ARGUMENTS"],
    [{ status: ToolStatus.TOOL_ERROR, error: { code: "INVALID_ARGUMENTS" } }, "invalid_arguments INVALID_ARGUMENTS"],
    [{ status: ToolStatus.TOOL_ERROR, error: { code: "NOT_FOUND" } }, "not_found NOT_FOUND"],
    [{ status: ToolStatus.TOOL_TIMEOUT }, "timeout TIMEOUT"],
    [{ status: ToolStatus.TOOL_NOT_FOUND }, "not_found NOT_FOUND"],
    [{ status: ToolStatus.TOOL_INVALID_ARGUMENTS }, "invalid_arguments INVALID_ARGUMENTS"],
  ];
  for (const [result, expected] of cases) assert.equal(codeOf(outcome(result)), expected);
});

test("an answer that contradicts itself, has an unknown status or is missing is an invalid result", () => {
  assert.equal(
    codeOf(outcome({ status: ToolStatus.TOOL_OK, output: "1", error: { code: "X" } })),
    "error INVALID_RESULT",
  );
  assert.equal(codeOf(outcome({ status: 99 as ToolStatus })), "error INVALID_RESULT");
  assert.equal(codeOf(toToolOutcome(undefined)), "error INVALID_RESULT");
});

test("an agent's words are passed on, but not without end", () => {
  const details = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, "x".repeat(5000)]));
  const result = outcome({ status: ToolStatus.TOOL_ERROR, error: { code: "X", message: "m".repeat(1e6), details } });
  assert.ok(result.status !== "ok" && result.message.length < 5000 && JSON.stringify(result.details).length < 20_000);
  const short = outcome({ status: ToolStatus.TOOL_ERROR, error: { code: "X", message: "why", details: { a: "b" } } });
  assert.deepEqual(short, { status: "error", code: "X", message: "why", details: { a: "b" } });
});

test("an outcome becomes the result with its status, and has an error or an output, never both", () => {
  const statuses = {
    error: ToolStatus.TOOL_ERROR,
    timeout: ToolStatus.TOOL_TIMEOUT,
    not_found: ToolStatus.TOOL_NOT_FOUND,
    invalid_arguments: ToolStatus.TOOL_INVALID_ARGUMENTS,
  } as const;
  for (const [status, expected] of Object.entries(statuses)) {
    const failure = { status: status as keyof typeof statuses, code: "C", message: "m" };
    const result = create(ToolResultSchema, fromToolOutcome("7", failure));
    assert.deepEqual([result.id, result.status, result.output, result.error?.code], ["7", expected, "", "C"]);
  }
  const ok = create(ToolResultSchema, fromToolOutcome("7", { status: "ok", output: "1" }));
  assert.deepEqual([ok.status, ok.output, ok.error], [ToolStatus.TOOL_OK, "1", undefined]);
});

test("a call is the same on both sides of the bridge", () => {
  const fields = { id: "1", name: "t", arguments: "{}", timeoutMs: 5, headers: { a: "b" }, correlationId: "c" };
  const chain = { hops: 1, remainingMs: 9, budget: 2, spent: false, path: ["a > t"] };
  const message = create(ToolCallSchema, { ...fields, idempotencyKey: "k", toolHash: "h", chain: fromChain(chain) });
  const request = toCallRequest(message);
  assert.deepEqual(request, { ...fields, idempotencyKey: "k", toolHash: "h", chain });
  // What the caller has looked at is between it and the bridge.
  const passedOn = { ...message, toolHash: "" };
  assert.deepEqual(create(ToolCallSchema, fromToolInvocation({ ...request, caller: "me" })), passedOn);
});

test("what an agent says of the providers of its tool is not taken", () => {
  const fields = { name: "t", description: "d", parametersSchema: "{}", metadata: { a: "b" } };
  const message = create(ToolDescriptorSchema, { ...fields, provider: 1, providers: ["other"] });
  assert.deepEqual(toToolDescriptor(message), { ...fields, effect: "once" });
  assert.equal(toToolDescriptor(create(ToolDescriptorSchema, { ...fields, effect: ToolEffect.READ })).effect, "read");
});
