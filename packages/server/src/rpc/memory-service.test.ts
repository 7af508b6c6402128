import assert from "node:assert/strict";
import { it } from "node:test";
import { type Client, Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { MemoryService } from "@loom-bridge/protocol/messages";
import { noGate } from "../domain/access/anyone.test-helper.ts";
import { silentLogger } from "../domain/logger.ts";
import { createManualRuntime } from "../domain/manual-runtime.ts";
import { createMemory } from "../domain/memory/memory.ts";
import type { MemoryCapacity } from "../domain/memory/memory-capacity.ts";
import { createInMemoryStore } from "../stores/memory/in-memory-store.ts";
import { createAdmissionInterceptor } from "./access-of.ts";
import { createErrorInterceptor } from "./connect-error.ts";
import { createMemoryService } from "./memory-service.ts";

const sessionId = "desk";
const plan = { symbol: "BTC", action: "BUY", timestampMs: 1_000_000n };

function newClient(capacity: Partial<MemoryCapacity> = {}): Client<typeof MemoryService> {
  const memory = createMemory({ store: createInMemoryStore({ capacity }), runtime: createManualRuntime() });
  const interceptors = [createErrorInterceptor(silentLogger), createAdmissionInterceptor(noGate, silentLogger)];
  const transport = createRouterTransport(
    ({ service }) => {
      service(MemoryService, createMemoryService(memory));
    },
    { router: { interceptors } },
  );
  return createClient(MemoryService, transport);
}

it("answers a saved plan with the hash it was given, and lists it with every field", async () => {
  const client = newClient();
  const full = {
    ...plan,
    confidence: 0.85,
    reasoning: "Bullish ↑",
    planHash: "61594393",
    method: "llm",
    metadata: { model: "m" },
  };
  const saved = await client.savePlan({ sessionId, plan: full });
  const { success, planHash, errorMessage, evicted } = saved;
  assert.deepEqual(
    { success, planHash, errorMessage, evicted },
    { success: true, planHash: "61594393", errorMessage: "", evicted: 0 },
  );
  const { plans, success: listed } = await client.getRecentPlans({ sessionId });
  assert.equal(listed, true);
  const { $typeName: _, ...stored } = plans[0] ?? assert.fail("no plan");
  // The field is a float of 32 bits, so 0.85 comes back as the nearest one.
  assert.deepEqual(stored, { ...full, confidence: Math.fround(0.85) });
});

it("answers a plan that has no hash with a computed one", async () => {
  const { planHash } = await newClient().savePlan({ sessionId, plan });
  assert.match(planHash, /^[0-9a-f]{16}$/);
});

it("refuses to store a duplicate with the plan that stands in the way", async () => {
  const client = newClient();
  await client.savePlan({ sessionId, plan: { ...plan, planHash: "first" } });
  const again = { sessionId, plan: { ...plan, timestampMs: 1_001_000n }, onlyIfNew: true };
  const refused = await client.savePlan(again);
  assert.equal(refused.success, false);
  assert.equal(refused.duplicatePlan?.planHash, "first");
  assert.equal(refused.timeSinceDuplicateMs, 1000n);
  assert.equal(refused.errorMessage, "duplicate: BTC BUY was planned 1000 ms from this plan");
  assert.equal((await client.getRecentPlans({ sessionId })).plans.length, 1);
  assert.equal((await client.savePlan({ ...again, timeWindowSec: 1 })).success, true);
});

it("tells a duplicate and its distance, and counts it", async () => {
  const client = newClient();
  await client.savePlan({ sessionId, plan });
  const near = await client.checkDuplicate({ sessionId, plan: { ...plan, timestampMs: 700_001n, confidence: 1 } });
  assert.deepEqual(
    [near.isDuplicate, near.timeSinceDuplicateMs, near.duplicatePlan?.timestampMs],
    [true, 299_999n, 1_000_000n],
  );
  const far = await client.checkDuplicate({ sessionId, plan: { ...plan, timestampMs: 700_000n } });
  assert.deepEqual([far.isDuplicate, far.timeSinceDuplicateMs, far.duplicatePlan], [false, 0n, undefined]);
  await client.savePlan({ sessionId, plan, onlyIfNew: true });
  assert.equal((await client.getExecutionStats({ sessionId })).duplicatePrevented, 2);
});

it("lists the plans of one symbol, newest first, as many as were asked for", async () => {
  const client = newClient();
  for (const [planHash, symbol] of Object.entries({ a: "BTC", b: "ETH", c: "BTC", d: "BTC" })) {
    await client.savePlan({ sessionId, plan: { ...plan, symbol, planHash } });
  }
  const { plans } = await client.getRecentPlans({ sessionId, symbol: "BTC", limit: 2 });
  assert.deepEqual(
    plans.map(({ planHash }) => planHash),
    ["d", "c"],
  );
});

it("says how many plans made room", async () => {
  const client = newClient({ plansPerSession: 1 });
  assert.equal((await client.savePlan({ sessionId, plan })).evicted, 0);
  assert.equal((await client.savePlan({ sessionId, plan })).evicted, 1);
});

it("marks a plan as executed once, and tells the first execution ever after", async () => {
  const client = newClient();
  const { success, alreadyExecuted, execution } = await client.markExecuted({ sessionId, planHash: "p" });
  assert.deepEqual([success, alreadyExecuted, execution?.status, execution?.executed], [true, false, "executed", true]);
  const repeated = await client.markExecuted({ sessionId, planHash: "p", execution: { executed: true, orderId: "o" } });
  assert.deepEqual([repeated.success, repeated.alreadyExecuted, repeated.execution], [true, true, execution]);
  const checked = await client.checkExecuted({ sessionId, planHash: "p" });
  assert.deepEqual([checked.isExecuted, checked.execution], [true, execution]);
});

it("does not take a failed attempt for an execution", async () => {
  const client = newClient();
  const attempt = { planHash: "p", status: "error", errorMessage: "no funds", orderSizeUsdt: 12.5 };
  await client.markExecuted({ sessionId, planHash: "p", execution: attempt });
  const { isExecuted, execution } = await client.checkExecuted({ sessionId, planHash: "p" });
  assert.deepEqual([isExecuted, execution], [false, undefined]);
});

it("gives the statistics of one symbol or of all, with the win rate as a float of 32 bits", async () => {
  const client = newClient();
  for (const [index, status] of ["success", "error", "success", "error", "success"].entries()) {
    const execution = { symbol: index < 2 ? "BTC" : "ETH", status, executed: true };
    await client.markExecuted({ sessionId, planHash: `p${index}`, execution });
  }
  const all = await client.getExecutionStats({ sessionId });
  assert.deepEqual(
    [all.totalExecutions, all.successfulExecutions, all.failedExecutions, all.winRate],
    [5, 3, 2, Math.fround(0.6)],
  );
  assert.deepEqual(
    all.recentExecutions.map(({ planHash }) => planHash),
    ["p4", "p3", "p2", "p1", "p0"],
  );
  const btc = await client.getExecutionStats({ sessionId, symbol: "BTC" });
  assert.deepEqual([btc.totalExecutions, btc.winRate], [2, 0.5]);
});

it("answers an unknown session with nothing", async () => {
  const client = newClient();
  const { plans, success } = await client.getRecentPlans({ sessionId: "nobody" });
  assert.deepEqual([plans, success], [[], true]);
  assert.equal((await client.getExecutionStats({ sessionId: "nobody" })).totalExecutions, 0);
});

it("refuses what breaks a rule with invalid argument, naming the field", async () => {
  const client = newClient();
  const refused: readonly (readonly [Promise<unknown>, string])[] = [
    [client.savePlan({ sessionId }), "plan is required"],
    [client.checkDuplicate({ sessionId }), "plan is required"],
    [client.savePlan({ plan }), "session_id is required"],
    [client.savePlan({ sessionId, plan: { ...plan, confidence: Number.NaN } }), "plan.confidence is NaN"],
    [
      client.savePlan({ sessionId, plan: { ...plan, timestampMs: 2n ** 62n } }),
      "plan.timestamp_ms is 4611686018427388000",
    ],
    [client.checkDuplicate({ sessionId, plan, timeWindowSec: -1 }), "time_window_sec is -1"],
    [client.getRecentPlans({ sessionId, limit: -1 }), "limit is -1"],
    [client.markExecuted({ sessionId }), "plan_hash is required"],
    [
      client.markExecuted({ sessionId, planHash: "p", execution: { planHash: "q" } }),
      "execution.plan_hash names another",
    ],
    [client.checkExecuted({ sessionId }), "plan_hash is required"],
  ];
  for (const [call, message] of refused) {
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof ConnectError);
      assert.equal(error.code, Code.InvalidArgument);
      assert.ok(error.rawMessage.startsWith(message), error.rawMessage);
      return true;
    });
  }
});

it("refuses a session too many with resource exhausted", async () => {
  const client = newClient({ sessions: 1 });
  await client.savePlan({ sessionId, plan });
  await assert.rejects(client.savePlan({ sessionId: "other", plan }), { code: Code.ResourceExhausted });
});
