import assert from "node:assert/strict";
import { test } from "node:test";
import { createManualTimers } from "./listener.test-helper.ts";
import { createStallWatch } from "./stall-watch.ts";

function watch() {
  const time = createManualTimers();
  const state = { taken: 0, stalls: 0 };
  const stall = createStallWatch({
    runtime: time.runtime,
    timeoutMs: 1000,
    bytesTaken: () => state.taken,
    onStall: () => (state.stalls += 1),
  });
  return { ...time, state, stall };
}

test("a client that takes hardly anything while something waits has stalled", () => {
  const { advance, state, stall } = watch();
  stall.blocked();
  stall.blocked();
  state.taken = 1000;
  advance(1000);
  assert.equal(state.stalls, 1);
});

test("one that reads slowly has not, and neither has one that took everything", () => {
  const { advance, state, stall } = watch();
  stall.blocked();
  for (let second = 0; second < 5; second += 1) {
    state.taken += 20_000;
    advance(1000);
  }
  assert.equal(state.stalls, 0);
  stall.drained();
  advance(10_000);
  assert.equal(state.stalls, 0);
});
