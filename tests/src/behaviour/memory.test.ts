import assert from "node:assert/strict";
import { test } from "node:test";
import { describeInEveryWorld } from "../world.ts";

const plan = { symbol: "BTC", action: "BUY", confidence: 0.85, reasoning: "it rises" };

describeInEveryWorld("memory", (createWorld) => {
  test("keeps plans, finds duplicates, and marks executions once", async () => {
    await using world = await createWorld();
    const { memory } = await world.agent({ id: "planner" });
    const saved = await memory.savePlan({ ...plan, timestampMs: 1_000_000n });
    assert.ok(saved.success);
    const duplicate = await memory.checkDuplicate({ ...plan, timestampMs: 1_001_000n });
    assert.deepEqual([duplicate.isDuplicate, duplicate.timeSinceDuplicateMs], [true, 1000n]);
    assert.equal((await memory.checkDuplicate({ ...plan, timestampMs: 1_300_000n })).isDuplicate, false);
    assert.equal(
      (await memory.checkDuplicate({ ...plan, action: "SELL", timestampMs: 1_000_000n })).isDuplicate,
      false,
    );

    assert.equal((await memory.checkExecuted(saved.planHash)).isExecuted, false);
    const marks = await Promise.all(
      [1, 2, 3].map(() => memory.markExecuted(saved.planHash, { ...plan, status: "success", executed: true })),
    );
    assert.deepEqual(
      marks.map(({ alreadyExecuted }) => alreadyExecuted),
      [false, true, true],
    );
    assert.ok((await memory.checkExecuted(saved.planHash)).isExecuted);
    const stats = await memory.executionStats();
    assert.deepEqual([stats.totalExecutions, stats.successfulExecutions, stats.duplicatePrevented], [1, 1, 1]);
    assert.deepEqual(
      (await memory.recentPlans()).map(({ planHash }) => planHash),
      [saved.planHash],
    );
  });

  test("stores exactly one of 100 equal plans saved at once if new", async () => {
    await using world = await createWorld();
    const client = world.client();
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => client.savePlan({ sessionId: "s", plan, onlyIfNew: true })),
    );
    assert.equal(answers.filter(({ success }) => success).length, 1);
    assert.equal((await client.getRecentPlans({ sessionId: "s" })).plans.length, 1);
    assert.equal((await client.getExecutionStats({ sessionId: "s" })).duplicatePrevented, 99);
  });

  test("keeps sessions apart", async () => {
    await using world = await createWorld();
    const client = world.client();
    await client.savePlan({ sessionId: "one", plan });
    assert.deepEqual((await client.getRecentPlans({ sessionId: "two" })).plans, []);
    assert.equal((await client.checkDuplicate({ sessionId: "two", plan })).isDuplicate, false);
  });

  test("refuses what is wrong, naming the field, and changes nothing", async () => {
    await using world = await createWorld();
    const client = world.client();
    const wrong = [
      { sessionId: "", plan },
      { sessionId: "s" },
      { sessionId: "s", plan: { ...plan, symbol: "" } },
      { sessionId: "s", plan: { ...plan, confidence: Number.NaN } },
      { sessionId: "s", plan, onlyIfNew: true, timeWindowSec: -1 },
    ];
    for (const request of wrong) {
      await assert.rejects(client.savePlan(request), { code: "invalid_argument", retryable: false });
    }
    assert.deepEqual((await client.getRecentPlans({ sessionId: "s" })).plans, []);
  });
});
