import assert from "node:assert/strict";
import { test } from "node:test";
import { createBoundedLogger } from "./bounded-logger.ts";
import { createManualTimers, createTestLogger } from "./listener.test-helper.ts";

test("a message is written ten times a second at most, and the next line tells how many were left out", () => {
  const { logger, lines } = createTestLogger();
  const time = createManualTimers();
  const bounded = createBoundedLogger(logger, time.runtime);
  for (let count = 0; count < 25; count += 1) bounded.info("flood", { count });
  bounded.error("rare");
  assert.equal(lines.filter((line) => line.message === "flood").length, 10);
  assert.deepEqual(lines.at(-1), { level: "error", message: "rare", facts: undefined });
  time.advance(1000);
  bounded.info("flood", { count: 25 });
  assert.deepEqual(lines.at(-1), { level: "info", message: "flood", facts: { count: 25, leftOut: 15 } });
});
