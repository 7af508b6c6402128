import assert from "node:assert/strict";
import { test } from "node:test";
import { checkDay, exitCodeOf } from "./checks.ts";
import { type Expected, expectedFromFile } from "./expected.ts";
import type { Day } from "./run-desk.ts";

test("a day that is as expected passes every check", () => {
  const expected = expectedFromFile();
  const checks = checkDay(dayOf(expected), expected);
  assert.deepEqual(
    checks.filter(({ passed }) => !passed),
    [],
  );
  assert.equal(exitCodeOf(checks), 0);
});

test("every expectation matters: when one is wrong, a check fails and so does the demo", () => {
  const expected = expectedFromFile();
  const day = dayOf(expected);
  for (const key of Object.keys(expected)) {
    const checks = checkDay(day, { ...expected, [key]: expected[key as keyof Expected] + 1 });
    assert.ok(
      checks.some(({ passed }) => !passed),
      key,
    );
    assert.equal(exitCodeOf(checks), 1, key);
  }
});

test("no checks at all are a failure", () => {
  assert.equal(exitCodeOf([]), 1);
});

/** A day on which everything went as expected. */
function dayOf(expected: Expected): Day {
  const { prices, announcements, plans, duplicates, executions, toolCalls, open, wins, losses } = expected;
  const { volumeUsd, profitUsd } = expected;
  const bar = { symbol: "IBM", date: "2000-01-01", price: 1 };
  const plan = { planHash: "", action: "BUY", confidence: 1, sizeUsd: 1, bar } as const;
  return {
    feed: { prices },
    analyst: { served: toolCalls },
    planner: { plans, duplicates, toolCallsMs: Array.from({ length: toolCalls }, () => 1) },
    executor: {
      told: announcements,
      executed: executions,
      alreadyExecuted: duplicates,
      open,
      volumeUsd,
      profitUsd,
      stats: {
        totalExecutions: executions,
        successfulExecutions: wins,
        failedExecutions: losses,
        winRate: Math.fround(wins / executions),
        duplicatePrevented: duplicates,
      },
    },
    watch: { prices, announcements, plans: new Map(Array.from({ length: plans }, (_, index) => [`${index}`, plan])) },
    bus: {
      prices: { published: prices, delivered: 3 * prices, dropped: 0 },
      plans: { published: announcements, delivered: 2 * announcements, dropped: 0 },
    },
    stored: { plans, executions },
    durationMs: 1,
  };
}
