import assert from "node:assert/strict";
import { test } from "node:test";
import { createBreaches } from "./domain/breaches.ts";
import { createManualTimers, createTestLogger } from "./listener/listener.test-helper.ts";
import { createOverload, defaultOverloadLimits } from "./overload.ts";

function watch() {
  const time = createManualTimers();
  const state = { memory: 0.1, shed: 0 };
  const overload = createOverload({
    limits: { ...defaultOverloadLimits, maxLoopDelayMs: 200 },
    runtime: time.runtime,
    logger: createTestLogger().logger,
    breaches: createBreaches(),
    shed: () => ++state.shed > 0,
    measureMemory: () => state.memory,
  });
  return { ...time, overload, state };
}

test("as memory fills up, first calls are refused, then the largest queue goes, then connections are refused", () => {
  const { advance, overload, state } = watch();
  const look = (memory: number) => {
    state.memory = memory;
    state.shed = 0;
    advance(100);
    return [overload.refuseCall()?.details["limit"], state.shed, overload.isFull];
  };
  assert.deepEqual(look(0.69), [undefined, 0, false]);
  assert.deepEqual(look(0.7), ["memoryBytes", 0, false]);
  assert.deepEqual(look(0.85), ["memoryBytes", 1, false]);
  assert.deepEqual(look(0.95), ["memoryBytes", 1, true]);
  assert.deepEqual(look(0.5), [undefined, 0, false]);
});

test("calls are refused when the event loop is late for two seconds on end, until it is not", () => {
  const { advance, overload } = watch();
  for (let late = 0; late < 4; late += 1) advance(500);
  assert.equal(overload.refuseCall(), undefined);
  advance(500);
  const refusal = overload.refuseCall();
  assert.equal(refusal?.code, "unavailable");
  assert.equal(refusal?.details["limit"], "maxLoopDelayMs");
  assert.equal(Math.round(overload.loopDelayMs), 400);
  advance(100);
  assert.equal(overload.refuseCall(), undefined);
});

test("a watch that is closed has no timer left", () => {
  const { advance, overload, state } = watch();
  overload.close();
  state.memory = 1;
  advance(100);
  assert.equal(overload.isFull, false);
});
