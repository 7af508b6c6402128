import assert from "node:assert/strict";
import { test } from "node:test";
import { createManualRuntime } from "../manual-runtime.ts";
import { OpenCalls } from "./open-calls.ts";
import type { ToolOutcome, ToolProvider } from "./tool.ts";
import { outcomeOf, startToolRun } from "./tool-run.ts";
import { toRunner } from "./tool-runner.ts";

const ok: ToolOutcome = { status: "ok", output: "1" };

function start(call: ToolProvider["call"]) {
  const runtime = createManualRuntime();
  const defects: unknown[] = [];
  const openCalls = new OpenCalls();
  const seat = { provider: toRunner({ id: "p", kind: "agent", call }), openCalls };
  const invocation = {
    id: "1",
    name: "t",
    arguments: "{}",
    timeoutMs: 100,
    headers: {},
    correlationId: "",
    caller: "",
  };
  const counts = { calls: 1, errors: 0, timeouts: 0, lateResults: 0, inFlight: 1 };
  const run = startToolRun(
    { seat, invocation, counts },
    {
      runtime,
      check: (outcome) => outcome,
      onDefect: (_, error) => void defects.push(error),
      onLateResult() {},
    },
  );
  return { run, runtime, defects, openCalls };
}

test("everybody is told of the outcome, also who asks when it is there, and nothing is left", async () => {
  const { run, defects, openCalls } = start(() => Promise.resolve(ok));
  assert.deepEqual(await Promise.all([outcomeOf(run), outcomeOf(run)]), [ok, ok]);
  assert.deepEqual(await outcomeOf(run), ok);
  assert.deepEqual([defects, openCalls.size], [[], 0]);
});

test("a provider that fails is a defect; one that fails because it was told to stop is none", async () => {
  const failing = start(() => Promise.reject(new Error("broken")));
  assert.equal((await outcomeOf(failing.run)).status, "error");
  assert.match(String(failing.defects), /broken/);
  const stopped = start((_, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", reject)));
  stopped.run.cancel();
  await outcomeOf(stopped.run);
  await new Promise(setImmediate);
  assert.deepEqual(stopped.defects, []);
});

test("what fails while it is told of an outcome is a defect that is heard of", async () => {
  const { run, defects } = start(() => Promise.resolve(ok));
  run.onEnd(() => {
    throw new Error("of ours");
  });
  await new Promise(setImmediate);
  assert.match(String(defects), /of ours/);
});
