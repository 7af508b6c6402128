import assert from "node:assert/strict";
import { test } from "node:test";
import { type BridgeTool, createBridgeToolProvider } from "./bridge-tool.ts";
import { ToolFailure } from "./tool-failure.ts";

const call = (run: BridgeTool["run"], args = "{}", name = "t") =>
  createBridgeToolProvider([
    { descriptor: { name: "t", description: "", parametersSchema: "", metadata: {} }, run },
  ]).call(
    { id: "1", name, arguments: args, timeoutMs: 10, headers: { h: "1" }, correlationId: "c", caller: "a" },
    AbortSignal.abort(),
  );

test("a tool gets its arguments and its call, and returns JSON", async () => {
  const outcome = await call(async (args, { signal, caller, headers, correlationId, timeoutMs }) => {
    return { args: JSON.stringify(args), aborted: signal.aborted, caller, h: headers["h"], correlationId, timeoutMs };
  }, '{"x":1}');
  assert.deepEqual(JSON.parse(outcome.status === "ok" ? outcome.output : ""), {
    args: '{"x":1}',
    aborted: true,
    caller: "a",
    h: "1",
    correlationId: "c",
    timeoutMs: 10,
  });
});

test("a failure has its own code and never looks like an unknown tool", async () => {
  const fail = (code: ToolFailure["code"]) =>
    call(async () => {
      throw new ToolFailure(code, "no such file", { details: { reason: "not_found" } });
    });
  assert.deepEqual(await fail("EXECUTION_ERROR"), {
    status: "error",
    code: "EXECUTION_ERROR",
    message: "Execution failed: no such file",
    details: { reason: "not_found" },
  });
  assert.deepEqual(await fail("PERMISSION_DENIED"), {
    status: "error",
    code: "PERMISSION_DENIED",
    message: "Permission denied: no such file",
    details: { reason: "not_found" },
  });
  const invalid = await fail("INVALID_ARGUMENTS");
  assert.equal(invalid.status, "invalid_arguments");
  assert.equal((await call(async () => null, "{}", "other")).status, "not_found");
});

test("any other error is left to the broker, and a result that JSON cannot say is no result", async () => {
  await assert.rejects(
    call(async () => {
      throw new TypeError("inside");
    }),
    /inside/,
  );
  const outcome = await call(async () => undefined as unknown as null);
  assert.equal(outcome.status === "error" && outcome.code, "INVALID_RESULT");
});
