import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import * as client from "@loom-bridge/client";
import { type ErrorCode, LoomError, ToolError, ToolStatus } from "@loom-bridge/client";
import { createTestBridge } from "@loom-bridge/testing";
import { bridgeTool } from "./bridge-tool.ts";
import { grpcStatus } from "./grpc-status.ts";
import { readTable, root } from "./markdown.ts";

const page = "docs/reference/errors.md";

test("the table of error codes has every code, with its gRPC status and whether it is retryable", () => {
  const every: Record<ErrorCode, Code> = {
    canceled: Code.Canceled,
    unknown: Code.Unknown,
    invalid_argument: Code.InvalidArgument,
    deadline_exceeded: Code.DeadlineExceeded,
    not_found: Code.NotFound,
    already_exists: Code.AlreadyExists,
    permission_denied: Code.PermissionDenied,
    resource_exhausted: Code.ResourceExhausted,
    failed_precondition: Code.FailedPrecondition,
    aborted: Code.Aborted,
    out_of_range: Code.OutOfRange,
    unimplemented: Code.Unimplemented,
    internal: Code.Internal,
    unavailable: Code.Unavailable,
    data_loss: Code.DataLoss,
    unauthenticated: Code.Unauthenticated,
  };
  const rows = readTable(page, "Error codes").map((row) => [row["code"], row["gRPC status"], row["retryable"]]);
  const expected = Object.entries(every).map(([code, number]) => {
    const { retryable } = new LoomError(code as ErrorCode, "");
    return [code, grpcStatus(number), retryable ? "yes" : "no"];
  });
  assert.deepEqual(rows, expected);
});

test("the table of error classes has every class that the client exports, with its fields", () => {
  const isLoomError = (value: unknown): boolean =>
    typeof value === "function" && (value === LoomError || value.prototype instanceof LoomError);
  const classes = Object.entries(client).filter(([, value]) => isLoomError(value));
  const rows = readTable(page, "Error classes");
  assert.deepEqual(new Set(rows.map((row) => row["class"])), new Set(classes.map(([name]) => name)));

  const base = Object.keys(new LoomError("internal", ""));
  const own = (error: LoomError): string =>
    Object.keys(error)
      .filter((key) => !base.includes(key))
      .join(", ");
  const samples: LoomError[] = [
    new LoomError("internal", ""),
    new client.ConnectionError("http://localhost", ""),
    new client.RequestTimeoutError("", 1),
    new client.OutcomeUnknownError(""),
    new client.AgentClosedError("agent", ""),
    new ToolError("TIMEOUT", ""),
  ];
  assert.deepEqual(
    rows.map((row) => [row["class"], row["more fields"]]),
    samples.map((error) => [error.name, own(error)]),
  );
});

test("the table of tool statuses has every status, with its number", () => {
  const rows = readTable(page, "Tool statuses").map((row) => [row["status"], Number(row["number"])]);
  const statuses = Object.entries(ToolStatus).filter(([, number]) => typeof number === "number");
  assert.deepEqual(rows, statuses);
});

test("the table of tool failures has every code, with its status and what the client makes of it", () => {
  const rows = readTable(page, "Tool failures");
  const documented = new Set(rows.map((row) => row["tool code"]));
  assert.deepEqual(documented, toolCodesOfProtocol());
  const onStreams = rows.filter((row) => row["when"]?.startsWith("On a stream:"));
  assert.deepEqual(documented, new Set([...toolCodesOfServer().keys(), ...onStreams.map((row) => row["tool code"])]));
  for (const row of rows) {
    const toolCode = row["tool code"] ?? "";
    const { code, details } = new ToolError(toolCode, "");
    const mayHaveRun = details["outcome"] === "UNKNOWN";
    assert.deepEqual(
      [row["status"], row["code"], row["may have run"] === "unknown"],
      [toolCodesOfServer().get(toolCode) ?? "TOOL_ERROR", code, mayHaveRun],
      toolCode,
    );
  }
});

/** The codes that the comment of ToolError.code names. */
function toolCodesOfProtocol(): Set<string> {
  const proto = readFileSync(join(root, "proto/loom/bridge/v1/action.proto"), "utf8");
  const [, comment = ""] = /message ToolError \{\n((?: *\/\/.*\n)+) *string code = 1;/.exec(proto) ?? [];
  return new Set(comment.match(/\b[A-Z_]{2,}\b/g));
}

/** The codes that the bridge and its own tools make, with the statuses they come with. */
function toolCodesOfServer(): Map<string, string> {
  const source = (file: string): string => readFileSync(join(root, "packages/server/src/domain/tools", file), "utf8");
  const [, reasons = ""] = /type ToolFailureReason =([^;]+);/.exec(source("tool-failure.ts")) ?? [];
  const outcomes = [...source("tool-outcome.ts").matchAll(/status: "(\w+)",\s*code: "(\w+)"/g)];
  return new Map([
    ...[...reasons.matchAll(/"(\w+)"/g)].map(([, code = ""]) => [code, "TOOL_ERROR"] as const),
    ...outcomes.map(([, status = "", code = ""]) => [code, `TOOL_${status.toUpperCase()}`] as const),
  ]);
}

test("a call that the bridge refuses on a stream is a result with the error code in capitals", async () => {
  await using bridge = createTestBridge({ tools: [bridgeTool] });
  const agent = await bridge.agent({ id: "caller" });
  await agent.callTool("bridge:tool", { a: 1 }, { id: "same" });
  const refused = agent.callTool("bridge:tool", { a: 2 }, { id: "same" });
  await assert.rejects(refused, { toolCode: "FAILED_PRECONDITION", status: ToolStatus.TOOL_ERROR });
});
