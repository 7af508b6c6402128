import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { limits } from "@loom-bridge/protocol";
import { ToolRequestSchema, ToolStatus } from "@loom-bridge/protocol/messages";
import { z } from "zod";
import { FakeRuntime } from "../fake-runtime.test-helper.ts";
import { defineTool } from "./define-tool.ts";
import type { ToolResultInit } from "./run-tool.ts";
import { ServedRun } from "./served-run.ts";

function startRun(times: { callMs?: number; toolMs?: number }) {
  const runtime = new FakeRuntime();
  const ends: (ToolResultInit | undefined)[] = [];
  const common = { name: "t", description: "", input: z.object({}), run: () => null };
  const tool = defineTool(times.toolMs === undefined ? common : { ...common, timeoutMs: times.toolMs });
  const request = create(ToolRequestSchema, { call: { id: "c", timeoutMs: times.callMs ?? 0 } });
  const nowMs = runtime.monotonic();
  const run = new ServedRun(tool, request, nowMs, { runtime, onEnd: (_run, result) => ends.push(result) });
  return { runtime, run, ends };
}

const done: ToolResultInit = { status: ToolStatus.TOOL_OK, output: "1" };

test("a run is answered once", () => {
  const { run, ends } = startRun({});
  assert.equal(run.isOpen, true);
  run.answer(done);
  run.answer({ status: ToolStatus.TOOL_ERROR });
  run.drop();
  assert.deepEqual(ends, [done]);
  assert.equal(run.isOpen, false);
});

test("an answer leaves the signal alone, which a tool may have given to others", () => {
  const { run } = startRun({});
  run.answer(done);
  assert.equal(run.abort.signal.aborted, false);
});

test("a run that is dropped has no answer, and its tool is told", () => {
  const { run, ends } = startRun({});
  run.drop();
  run.answer(done);
  assert.deepEqual(ends, [undefined]);
  assert.equal(run.abort.isAborted, true);
});

const deadlines = [
  { what: "the call's", callMs: 500, expectedMs: 500 },
  { what: "the tool's, where that is shorter", callMs: 500, toolMs: 200, expectedMs: 200 },
  { what: "the call's, where that is shorter", callMs: 500, toolMs: 900, expectedMs: 500 },
  { what: "the default, where neither has one", expectedMs: limits.toolTimeoutDefaultMs },
];
for (const { what, expectedMs, ...times } of deadlines) {
  test(`a run's time is ${what}`, () => {
    const { run } = startRun(times);
    assert.equal(run.remainingMs, expectedMs);
  });
}

test("when its time is over, the caller hears of it and the tool as well", async () => {
  const { runtime, run, ends } = startRun({ callMs: 500 });
  await runtime.advance(500);
  run.expire();
  assert.deepEqual(
    ends.map((result) => [result?.status, result?.error?.code]),
    [[ToolStatus.TOOL_TIMEOUT, "TIMEOUT"]],
  );
  assert.deepEqual([run.isOpen, run.remainingMs, run.abort.isAborted], [false, 0, true]);
});
