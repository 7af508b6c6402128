import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeRuntime } from "../fake-runtime.test-helper.ts";
import { DeadlineTimer } from "./deadline-timer.ts";

function startTimer() {
  const runtime = new FakeRuntime();
  const startMs = runtime.monotonic();
  const open = new Set<number>();
  const ended: [deadlineMs: number, atMs: number][] = [];
  const timer = new DeadlineTimer(runtime, (nowMs) => {
    for (const deadlineMs of open) {
      if (deadlineMs > nowMs) timer.add(deadlineMs, nowMs);
      else if (open.delete(deadlineMs)) ended.push([deadlineMs - startMs, nowMs - startMs]);
    }
  });
  const add = (ms: number): void => {
    open.add(startMs + ms);
    timer.add(startMs + ms, runtime.monotonic());
  };
  return { runtime, open, ended, timer, add };
}

test("each deadline is seen to in its time, in whatever order they came", async () => {
  const { runtime, ended, add } = startTimer();
  for (const ms of [300, 100, 200, 400]) add(ms);
  await runtime.advance(99);
  assert.deepEqual(ended, []);
  await runtime.advance(250);
  add(350);
  await runtime.advance(1000);
  assert.deepEqual(
    ended,
    [100, 200, 300, 350, 400].map((ms) => [ms, ms]),
  );
  assert.equal(runtime.timers, 0);
});

test("many deadlines are one timer, which ends once nothing is left", async () => {
  const { runtime, open, ended, add } = startTimer();
  for (let ms = 100; ms < 200; ms += 1) add(ms);
  assert.equal(runtime.timers, 1);
  open.clear();
  await runtime.advance(100);
  assert.deepEqual([ended, runtime.timers], [[], 0]);
});

test("a timer that is cancelled sees to nothing, until there is something new", async () => {
  const { runtime, ended, timer, add } = startTimer();
  add(100);
  timer.cancel();
  assert.equal(runtime.timers, 0);
  await runtime.advance(150);
  assert.deepEqual(ended, []);
  add(200);
  await runtime.advance(50);
  assert.deepEqual(ended, [
    [100, 200],
    [200, 200],
  ]);
});
