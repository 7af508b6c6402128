import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { MemoryService } from "@loom-bridge/protocol/messages";
import { startVictim } from "./victim.ts";

// Plans that race, repeat, lie or never end.
const victim = await startVictim({ plansPerSession: 50 });
const memory = createClient(MemoryService, victim.transport);
const plan = { symbol: "BTC", action: "BUY", timestampMs: 1_000_000n };

test("row 77: of 100 equal plans saved at once if new, one is stored", async () => {
  await victim.withstand(async () => {
    const saves = await Promise.all(
      Array.from({ length: 100 }, () => memory.savePlan({ sessionId: "row-77", plan, onlyIfNew: true })),
    );
    assert.equal(saves.filter(({ success }) => success).length, 1);
    assert.equal((await memory.getRecentPlans({ sessionId: "row-77", limit: 10 })).plans.length, 1);
  });
});

test("row 78: a plan is a duplicate strictly within the window", async () => {
  await victim.withstand(async () => {
    await memory.savePlan({ sessionId: "row-78", plan });
    const at = async (ageMs: number): Promise<boolean> => {
      const timestampMs = plan.timestampMs + BigInt(ageMs);
      return (await memory.checkDuplicate({ sessionId: "row-78", plan: { ...plan, timestampMs } })).isDuplicate;
    };
    assert.deepEqual(await Promise.all([0, 60_000, 299_999, 300_000, -299_999, -300_000].map(at)), [
      true,
      true,
      true,
      false,
      true,
      false,
    ]);
  });
});

test("row 80: an execution whose answer was lost is recorded once, however often it is told", async () => {
  await victim.withstand(async () => {
    const sessionId = "row-80";
    const { planHash } = await memory.savePlan({ sessionId, plan });
    const marks = await Promise.all(
      Array.from({ length: 20 }, () =>
        memory.markExecuted({ sessionId, planHash, execution: { ...plan, status: "success", executed: true } }),
      ),
    );
    assert.equal(marks.filter(({ alreadyExecuted }) => !alreadyExecuted).length, 1);
    assert.equal((await memory.getExecutionStats({ sessionId })).totalExecutions, 1);
  });
});

test("row 83: limits, numbers and names that are none are refused or brought to the nearest that is", async () => {
  await victim.withstand(async () => {
    const sessionId = "row-83";
    const refused = (call: Promise<unknown>) => assert.rejects(call, /invalid_argument/);
    await refused(memory.getRecentPlans({ sessionId, limit: -1 }));
    await memory.getRecentPlans({ sessionId, limit: 0 });
    await memory.getRecentPlans({ sessionId, limit: 1_000_000_000 });
    await refused(memory.savePlan({ sessionId, plan: { ...plan, confidence: Number.NaN } }));
    await refused(memory.savePlan({ sessionId, plan: { ...plan, confidence: 1.5 } }));
    await refused(memory.savePlan({ sessionId, plan: { ...plan, symbol: "" } }));
    await refused(memory.savePlan({ sessionId, plan: { ...plan, timestampMs: -1n } }));
    await refused(memory.savePlan({ sessionId: "", plan }));
    await refused(memory.savePlan({ sessionId: "x".repeat(129), plan }));
    await refused(memory.savePlan({ sessionId }));
  });
});

test("row 84: more plans than a session may have stay bounded: the oldest make room", async () => {
  await victim.withstand(async () => {
    const sessionId = "row-84";
    for (let index = 0; index < 60; index += 1) {
      await memory.savePlan({ sessionId, plan: { ...plan, planHash: `plan-${index}` } });
    }
    const { plans } = await memory.getRecentPlans({ sessionId, limit: 100 });
    assert.equal(plans.length, 50);
    assert.equal(plans[0]?.planHash, "plan-59");
    assert.equal(plans.at(-1)?.planHash, "plan-10");
  });
});
