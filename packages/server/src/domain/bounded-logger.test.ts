import assert from "node:assert/strict";
import { test } from "node:test";
import { createManualTimers, createTestLogger } from "../listener/listener.test-helper.ts";
import { createBoundedLogger } from "./bounded-logger.ts";

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

test("the lines about one peer do not hide those about another, and all together have a bound", () => {
  const { logger, lines } = createTestLogger();
  const bounded = createBoundedLogger(logger, createManualTimers().runtime);
  for (let count = 0; count < 500; count += 1) bounded.info("flood", { peer: "a" });
  bounded.info("flood", { peer: "b" });
  assert.deepEqual(lines.at(-1)?.facts, { peer: "b", leftOut: 490 });
  for (let count = 0; count < 5000; count += 1) bounded.info("flood", { peer: `peer-${count}` });
  assert.equal(lines.length, 100);
});
