import assert from "node:assert/strict";
import { test } from "node:test";
import { createManualRuntime } from "./manual-runtime.ts";

test("timers fire in order of their time, also those set on the way", () => {
  const runtime = createManualRuntime();
  const fired: [string, number][] = [];
  runtime.setTimer(() => fired.push(["late", runtime.monotonic()]), 30);
  runtime.setTimer(() => {
    fired.push(["early", runtime.monotonic()]);
    runtime.setTimer(() => fired.push(["between", runtime.monotonic()]), 10);
  }, 10);
  runtime.advance(29);
  assert.deepEqual(fired, [
    ["early", 10],
    ["between", 20],
  ]);
  runtime.advance(1);
  assert.deepEqual(fired.at(-1), ["late", 30]);
  assert.equal(runtime.now(), 1_700_000_000_030);
});

test("a cancelled timer does not fire and is no longer pending", () => {
  const runtime = createManualRuntime();
  const timer = runtime.setTimer(() => assert.fail("fired"), 5);
  assert.equal(runtime.pendingTimers(), 1);
  timer.cancel();
  assert.equal(runtime.pendingTimers(), 0);
  runtime.advance(10);
});

test("ids and random numbers repeat from run to run", () => {
  const [first, second] = [createManualRuntime(), createManualRuntime()];
  assert.notEqual(first.uuid(), first.uuid());
  assert.equal(second.uuid(), "00000000-0000-4000-8000-000000000001");
  assert.equal(first.random(), second.random());
  assert.ok(first.random() < 1);
});
