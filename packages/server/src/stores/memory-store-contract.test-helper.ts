import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { MemoryCapacity } from "../domain/memory/memory-capacity.ts";
import type { MemoryStore } from "../domain/memory/memory-store.ts";
import { claimsContract } from "./memory-store-claims.test-helper.ts";
import { compareWithModel, type MemoryStoreDriver } from "./memory-store-history.test-helper.ts";
import { sampleExecution, samplePlan } from "./memory-store-samples.test-helper.ts";

/** Registers the tests that every driver of the memory port passes. */
export function memoryStoreContract(name: string, driver: MemoryStoreDriver): void {
  async function openStore(t: TestContext, capacity?: Partial<MemoryCapacity>): Promise<MemoryStore> {
    const store = await driver.open(capacity);
    t.after(() => store.close());
    return store;
  }

  describe(`${name} as a keeper of claims`, () => claimsContract(driver));

  describe(`${name} as a memory store`, () => {
    it("gives back every field of a plan as it was stored", async (t) => {
      const store = await openStore(t);
      const plan = samplePlan({
        timestampMs: Number.MAX_SAFE_INTEGER,
        confidence: Math.fround(0.1),
        reasoning: "Bullish ↑ 'quoted' \"twice\" \0 🚀\n",
        method: "llm",
        metadata: { ключ: "значение", empty: "" },
      });
      await store.savePlan("s", plan);
      assert.deepEqual(await store.recentPlans("s", { limit: 1 }), [plan]);
    });

    it("gives back every field of an execution as it was stored", async (t) => {
      const store = await openStore(t);
      const execution = sampleExecution({
        timestampMs: 1_700_000_000_000,
        confidence: 0.25,
        status: "filled ✓",
        orderId: "o-1",
        orderSizeUsdt: -12.5,
        errorMessage: "partly",
      });
      await store.markExecuted("s", execution);
      assert.deepEqual(await store.findExecution("s", "plan"), execution);
    });

    it("stores one of a hundred equal plans that are saved at once if new", async (t) => {
      const store = await openStore(t);
      const saves = Array.from({ length: 100 }, (_, index) =>
        store.savePlan("s", samplePlan({ planHash: `p${index}` }), { onlyIfNewWithinMs: 1000 }),
      );
      const outcomes = await Promise.all(saves);
      assert.equal(outcomes.filter(({ status }) => status === "saved").length, 1);
      assert.equal((await store.recentPlans("s", { limit: 100 })).length, 1);
      assert.equal((await store.executionStats("s", { recentLimit: 10 })).duplicatesPrevented, 99);
    });

    it("stores equal plans that are saved without a condition", async (t) => {
      const store = await openStore(t);
      await Promise.all([store.savePlan("s", samplePlan()), store.savePlan("s", samplePlan())]);
      assert.equal((await store.recentPlans("s", { limit: 100 })).length, 2);
    });

    it("keeps sessions apart", async (t) => {
      const store = await openStore(t);
      await store.savePlan("one", samplePlan());
      await store.markExecuted("one", sampleExecution());
      await store.findDuplicate("one", samplePlan(), 1000);
      assert.equal(await store.findDuplicate("other", samplePlan(), 1000), undefined);
      assert.deepEqual(await store.recentPlans("other", { limit: 10 }), []);
      assert.equal(await store.findExecution("other", "plan"), undefined);
      const none = { total: 0, successful: 0, failed: 0, duplicatesPrevented: 0, recent: [] };
      assert.deepEqual(await store.executionStats("other", { recentLimit: 10 }), none);
      assert.equal((await store.markExecuted("other", sampleExecution())).alreadyExecuted, false);
    });

    it("finds duplicates nearer than the window, earlier and later, and none at its edge", async (t) => {
      const store = await openStore(t);
      await store.savePlan("s", samplePlan({ timestampMs: 10_000 }));
      const distanceAt = async (timestampMs: number): Promise<number | undefined> =>
        (await store.findDuplicate("s", samplePlan({ timestampMs }), 1000))?.distanceMs;
      assert.equal(await distanceAt(9000), undefined);
      assert.equal(await distanceAt(9001), 999);
      assert.equal(await distanceAt(10_000), 0);
      assert.equal(await distanceAt(10_999), 999);
      assert.equal(await distanceAt(11_000), undefined);
    });

    it("takes only plans of the same symbol and action for duplicates, letter by letter", async (t) => {
      const store = await openStore(t);
      await store.savePlan("s", samplePlan());
      assert.equal(await store.findDuplicate("s", samplePlan({ symbol: "btc" }), 1000), undefined);
      assert.equal(await store.findDuplicate("s", samplePlan({ action: "SELL" }), 1000), undefined);
      const other = samplePlan({ reasoning: "another", confidence: 1, planHash: "q", method: "rule" });
      assert.notEqual(await store.findDuplicate("s", other, 1000), undefined);
    });

    it("answers with the nearest duplicate, and of equally near ones with the newest", async (t) => {
      const store = await openStore(t);
      const nearestTo = async (timestampMs: number): Promise<string | undefined> =>
        (await store.findDuplicate("s", samplePlan({ timestampMs }), 10_000))?.plan.planHash;
      const save = (planHash: string, timestampMs: number): Promise<unknown> =>
        store.savePlan("s", samplePlan({ planHash, timestampMs }));
      await save("early", 100);
      await save("middle", 400);
      await save("late", 600);
      assert.deepEqual([await nearestTo(0), await nearestTo(240), await nearestTo(260)], ["early", "early", "middle"]);
      assert.deepEqual([await nearestTo(499), await nearestTo(501), await nearestTo(700)], ["middle", "late", "late"]);
      assert.equal(await nearestTo(500), "late");
      await save("middle again", 400);
      assert.deepEqual([await nearestTo(400), await nearestTo(500)], ["middle again", "middle again"]);
      await save("late again", 600);
      assert.deepEqual([await nearestTo(500), await nearestTo(550)], ["late again", "late again"]);
    });

    it("lists plans newest stored first, of one symbol or of all, whatever their time stamps", async (t) => {
      const store = await openStore(t);
      for (const [planHash, symbol, timestampMs] of [
        ["a", "BTC", 3],
        ["b", "ETH", 2],
        ["c", "BTC", 1],
      ] as const) {
        await store.savePlan("s", samplePlan({ planHash, symbol, timestampMs }));
      }
      const hashes = async (options: { symbol?: string; limit: number }): Promise<string[]> =>
        (await store.recentPlans("s", options)).map(({ planHash }) => planHash);
      assert.deepEqual(await hashes({ limit: 10 }), ["c", "b", "a"]);
      assert.deepEqual(await hashes({ limit: 2 }), ["c", "b"]);
      assert.deepEqual(await hashes({ limit: 10, symbol: "BTC" }), ["c", "a"]);
      assert.deepEqual(await hashes({ limit: 10, symbol: "XRP" }), []);
    });

    it("keeps the first execution of a plan, whatever is marked afterwards and however often", async (t) => {
      const store = await openStore(t);
      const first = sampleExecution({ orderId: "first" });
      const marks = await Promise.all([
        store.markExecuted("s", first),
        ...Array.from({ length: 20 }, () => store.markExecuted("s", sampleExecution({ orderId: "again" }))),
      ]);
      assert.deepEqual(marks.shift(), { alreadyExecuted: false, execution: first, evicted: 0 });
      for (const mark of marks) assert.deepEqual(mark, { alreadyExecuted: true, execution: first, evicted: 0 });
      const attempt = await store.markExecuted("s", sampleExecution({ executed: false, status: "error" }));
      assert.deepEqual(attempt, { alreadyExecuted: true, execution: first, evicted: 0 });
      assert.equal((await store.executionStats("s", { recentLimit: 10 })).total, 1);
    });

    it("records attempts, and still lets the plan be executed", async (t) => {
      const store = await openStore(t);
      const attempt = sampleExecution({ executed: false, status: "error" });
      await store.markExecuted("s", attempt);
      assert.deepEqual(await store.markExecuted("s", attempt), {
        alreadyExecuted: false,
        execution: attempt,
        evicted: 0,
      });
      assert.equal(await store.findExecution("s", "plan"), undefined);
      assert.equal((await store.markExecuted("s", sampleExecution())).alreadyExecuted, false);
      const { total, successful, failed } = await store.executionStats("s", { recentLimit: 10 });
      assert.deepEqual({ total, successful, failed }, { total: 3, successful: 1, failed: 2 });
    });

    it("counts successes and errors of one symbol or of all, and lists the newest first", async (t) => {
      const store = await openStore(t);
      const statuses = ["success", "error", "success", "skipped", "success", "error"];
      for (const [index, status] of statuses.entries()) {
        const symbol = index < 4 ? "BTC" : "ETH";
        await store.markExecuted("s", sampleExecution({ planHash: `p${index}`, status, symbol }));
      }
      const summary = async (symbol?: string): Promise<unknown> => {
        const options = symbol === undefined ? { recentLimit: 3 } : { recentLimit: 3, symbol };
        const { total, successful, failed, recent } = await store.executionStats("s", options);
        return [total, successful, failed, recent.map(({ planHash }) => planHash).join(" ")];
      };
      assert.deepEqual(await summary(), [6, 3, 2, "p5 p4 p3"]);
      assert.deepEqual(await summary("BTC"), [4, 2, 1, "p3 p2 p1"]);
      assert.deepEqual(await summary("ETH"), [2, 1, 1, "p5 p4"]);
    });

    it("counts prevented duplicates for the session and for each symbol", async (t) => {
      const store = await openStore(t);
      await store.savePlan("s", samplePlan());
      await store.savePlan("s", samplePlan({ symbol: "ETH" }));
      await store.findDuplicate("s", samplePlan(), 1000);
      await store.savePlan("s", samplePlan(), { onlyIfNewWithinMs: 1000 });
      await store.findDuplicate("s", samplePlan({ symbol: "ETH" }), 1000);
      await store.findDuplicate("s", samplePlan({ symbol: "XRP" }), 1000);
      const prevented = async (options: { symbol?: string }): Promise<number> =>
        (await store.executionStats("s", { ...options, recentLimit: 1 })).duplicatesPrevented;
      assert.deepEqual(
        [await prevented({}), await prevented({ symbol: "BTC" }), await prevented({ symbol: "ETH" })],
        [3, 2, 1],
      );
    });

    it("evicts the session's oldest plan, says so, and no longer takes it for a duplicate", async (t) => {
      const store = await openStore(t, { plansPerSession: 100 });
      for (let index = 0; index < 100; index += 1) {
        const plan = samplePlan({ planHash: `p${index}`, symbol: index === 0 ? "OLD" : "BTC" });
        assert.deepEqual(await store.savePlan("s", plan), { status: "saved", evicted: 0 });
      }
      await store.savePlan("other", samplePlan());
      assert.notEqual(await store.findDuplicate("s", samplePlan({ symbol: "OLD" }), 1), undefined);
      assert.deepEqual(await store.savePlan("s", samplePlan({ planHash: "p100" })), { status: "saved", evicted: 1 });
      assert.equal(await store.findDuplicate("s", samplePlan({ symbol: "OLD" }), 1), undefined);
      const kept = await store.recentPlans("s", { limit: 1000 });
      assert.equal(kept.length, 100);
      assert.equal(kept.at(-1)?.planHash, "p1");
      assert.equal((await store.recentPlans("other", { limit: 10 })).length, 1);
    });

    it("evicts by the order of storing, whatever the time stamps", async (t) => {
      const store = await openStore(t, { plansPerSession: 2 });
      for (const timestampMs of [3000, 1000, 2000]) await store.savePlan("s", samplePlan({ timestampMs }));
      assert.equal(await store.findDuplicate("s", samplePlan({ timestampMs: 3000 }), 1000), undefined);
      assert.notEqual(await store.findDuplicate("s", samplePlan({ timestampMs: 1000 }), 1), undefined);
    });

    it("forgets a symbol's count of prevented duplicates with its last plan, but not the session's", async (t) => {
      const store = await openStore(t, { plansPerSession: 1 });
      await store.savePlan("s", samplePlan());
      await store.findDuplicate("s", samplePlan(), 1);
      await store.savePlan("s", samplePlan({ symbol: "ETH" }));
      await store.savePlan("s", samplePlan());
      const ofSymbol = await store.executionStats("s", { symbol: "BTC", recentLimit: 1 });
      const ofSession = await store.executionStats("s", { recentLimit: 1 });
      assert.deepEqual([ofSymbol.duplicatesPrevented, ofSession.duplicatesPrevented], [0, 1]);
    });

    it("evicts executions and attempts apart, so that attempts never undo the memory of an execution", async (t) => {
      const store = await openStore(t, { executionsPerSession: 2, attemptsPerSession: 2 });
      await store.markExecuted("s", sampleExecution({ planHash: "first" }));
      for (const [index, evicted] of [0, 0, 1, 1].entries()) {
        const attempt = sampleExecution({ planHash: `failing${index}`, executed: false, status: "error" });
        assert.equal((await store.markExecuted("s", attempt)).evicted, evicted);
      }
      assert.notEqual(await store.findExecution("s", "first"), undefined);
      await store.markExecuted("s", sampleExecution({ planHash: "second" }));
      assert.equal((await store.markExecuted("s", sampleExecution({ planHash: "third" }))).evicted, 1);
      assert.equal(await store.findExecution("s", "first"), undefined);
      assert.equal((await store.markExecuted("s", sampleExecution({ planHash: "first" }))).alreadyExecuted, false);
      assert.equal((await store.executionStats("s", { recentLimit: 10 })).total, 4);
    });

    it("refuses one session too many with the limit and its value, and goes on serving the others", async (t) => {
      const store = await openStore(t, { sessions: 2 });
      await store.savePlan("one", samplePlan());
      await store.markExecuted("two", sampleExecution());
      const refusal = { code: "resource_exhausted", details: { limit: "sessions", value: "2" } };
      await assert.rejects(store.savePlan("three", samplePlan(), { onlyIfNewWithinMs: 1000 }), refusal);
      await assert.rejects(store.markExecuted("three", sampleExecution()), refusal);
      assert.equal(await store.findDuplicate("three", samplePlan(), 1000), undefined);
      const [refused, saved] = await Promise.allSettled([
        store.savePlan("three", samplePlan()),
        store.savePlan("two", samplePlan()),
      ]);
      assert.equal(refused.status, "rejected");
      assert.equal(saved.status, "fulfilled");
      assert.equal((await store.recentPlans("two", { limit: 10 })).length, 1);
    });

    it("answers unavailable after it was closed, which may happen twice", async (t) => {
      const store = await openStore(t);
      await store.close();
      await store.close();
      const calls: (() => Promise<unknown>)[] = [
        () => store.savePlan("s", samplePlan()),
        () => store.findDuplicate("s", samplePlan(), 1000),
        () => store.recentPlans("s", { limit: 1 }),
        () => store.markExecuted("s", sampleExecution()),
        () => store.findExecution("s", "plan"),
        () => store.claimExecution("s", { planHash: "plan", holder: "a", leaseMs: 1, nowMs: 0 }),
        () => store.releaseExecution("s", "plan", 1),
        () => store.executionStats("s", { recentLimit: 1 }),
      ];
      for (const call of calls) await assert.rejects(call(), { code: "unavailable" });
    });

    it("behaves in random histories exactly as the model does", async (t) => {
      const seed = Number(process.env["FAST_CHECK_SEED"] ?? Date.now() % 2 ** 31);
      t.diagnostic(`FAST_CHECK_SEED=${seed}`);
      await compareWithModel(driver, seed);
    });
  });
}
