import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { Scheduler } from "./scheduler.ts";

test("timers fire in order of their time, and of their setting when that is the same", () => {
  const delays = fc.array(fc.nat({ max: 20 }), { maxLength: 200 });
  return fc.assert(
    fc.asyncProperty(delays, fc.array(fc.nat({ max: 199 })), async (given, cancelled) => {
      const scheduler = new Scheduler();
      const lane = scheduler.createLane("one");
      const fired: { delay: number; index: number }[] = [];
      const timers = given.map((delay, index) => scheduler.setTimer(lane, () => fired.push({ delay, index }), delay));
      for (const index of cancelled) timers[index]?.cancel();
      while (scheduler.nextDueMs() !== Number.POSITIVE_INFINITY) {
        scheduler.stepTo(scheduler.nextDueMs());
        while (scheduler.ready > 0) await turn();
      }
      const expected = given
        .map((delay, index) => ({ delay, index }))
        .filter(({ index }) => !cancelled.includes(index))
        .toSorted((a, b) => a.delay - b.delay || a.index - b.index);
      assert.deepEqual(fired, expected);
      assert.equal(lane.timers, 0);
    }),
    { numRuns: 50 },
  );
});

test("a chooser decides whose turn it is, and a lane's own order is kept", async () => {
  const scheduler = new Scheduler((lanes) => lanes.length - 1);
  const done: string[] = [];
  const [one, two] = [scheduler.createLane("one"), scheduler.createLane("two")];
  for (const name of ["a", "b"]) scheduler.post(one, () => done.push(`one ${name}`));
  for (const name of ["a", "b"]) scheduler.post(two, () => done.push(`two ${name}`));
  while (scheduler.ready > 0) await turn();
  assert.deepEqual(done, ["two a", "two b", "one a", "one b"]);
});

test("what a process that died had to do is never done", async () => {
  const scheduler = new Scheduler();
  const lane = scheduler.createLane("mortal");
  let ran = 0;
  scheduler.post(lane, () => (ran += 1));
  scheduler.setTimer(lane, () => (ran += 1), 5);
  lane.dead = true;
  scheduler.stepTo(10);
  await turn();
  assert.deepEqual([ran, scheduler.nextDueMs()], [0, Number.POSITIVE_INFINITY]);
});
