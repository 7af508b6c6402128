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
  const run = new ServedRun(tool, request, { runtime, onEnd: (_run, result) => ends.push(result) });
  return { runtime, run, ends };
}

const done: ToolResultInit = { status: ToolStatus.TOOL_OK, output: "1" };

test("a run is answered once, and leaves no timer", () => {
  const { runtime, run, ends } = startRun({});
  assert.deepEqual([run.isOpen, runtime.timers], [true, 1]);
  run.answer(done);
  run.answer({ status: ToolStatus.TOOL_ERROR });
  run.drop();
  assert.deepEqual(ends, [done]);
  assert.deepEqual([run.isOpen, runtime.timers], [false, 0]);
});

test("an answer leaves the signal alone, which a tool may have given to others", () => {
  const { run } = startRun({});
  run.answer(done);
  assert.equal(run.abort.signal.aborted, false);
});

test("a run that is dropped has no answer, and its tool is told", () => {
  const { runtime, run, ends } = startRun({});
  run.drop();
  run.answer(done);
  assert.deepEqual(ends, [undefined]);
  assert.deepEqual([run.abort.isAborted, runtime.timers], [true, 0]);
});

const deadlines = [
  { what: "the call's", callMs: 500, expectedMs: 500 },
  { what: "the tool's, where that is shorter", callMs: 500, toolMs: 200, expectedMs: 200 },
  { what: "the call's, where that is shorter", callMs: 500, toolMs: 900, expectedMs: 500 },
  { what: "the default, where neither has one", expectedMs: limits.toolTimeoutDefaultMs },
];
for (const { what, expectedMs, ...times } of deadlines) {
  test(`a run's time is ${what}: when it is over, the caller hears of it and the tool as well`, async () => {
    const { runtime, run, ends } = startRun(times);
    await runtime.advance(expectedMs - 1);
    assert.deepEqual([run.isOpen, run.remainingMs], [true, 1]);
    await runtime.advance(1);
    assert.deepEqual(
      ends.map((result) => [result?.status, result?.error?.code]),
      [[ToolStatus.TOOL_TIMEOUT, "TIMEOUT"]],
    );
    assert.deepEqual([run.isOpen, run.remainingMs, run.abort.isAborted], [false, 0, true]);
  });
}
