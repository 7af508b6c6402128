import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import fc from "fast-check";
import type { ExecutionClaim } from "../domain/memory/execution-claim.ts";
import type { MemoryCapacity } from "../domain/memory/memory-capacity.ts";
import type { MemoryStore } from "../domain/memory/memory-store.ts";
import type { MemoryStoreDriver } from "./memory-store-history.test-helper.ts";
import { sampleExecution } from "./memory-store-samples.test-helper.ts";

/** The tests of claims that every driver of the memory port passes. */
export function claimsContract(driver: MemoryStoreDriver): void {
  async function openStore(t: TestContext, capacity?: Partial<MemoryCapacity>): Promise<MemoryStore> {
    const store = await driver.open(capacity);
    t.after(() => store.close());
    return store;
  }

  it("gives a plan to one of a hundred executors that claim it at once", async (t) => {
    const store = await openStore(t);
    const claims = Array.from({ length: 100 }, (_, index) => claim(store, `executor${index}`));
    const outcomes = await Promise.all(claims);
    assert.equal(outcomes.filter(({ status }) => status === "claimed").length, 1);
    const holders = outcomes.map((outcome) => outcome.status !== "executed" && outcome.claim.holder);
    assert.equal(new Set(holders).size, 1);
  });

  it("lets the holder begin its lease anew under its token, and others in when the lease has ended", async (t) => {
    const store = await openStore(t);
    const first = await claimed(store, "a", { nowMs: 100, leaseMs: 50 });
    assert.equal(first.expiresMs, 150);
    const renewed = await claimed(store, "a", { nowMs: 149, leaseMs: 50 });
    assert.deepEqual(renewed, { ...first, expiresMs: 199 });
    assert.deepEqual(await claim(store, "b", { nowMs: 198 }), { status: "held", claim: renewed });
    const second = await claimed(store, "b", { nowMs: 199 });
    assert.ok(second.fencingToken > first.fencingToken);
  });

  it("gives the same executor a new token once its lease has ended", async (t) => {
    const store = await openStore(t);
    const first = await claimed(store, "a", { nowMs: 100, leaseMs: 50 });
    const second = await claimed(store, "a", { nowMs: 150 });
    assert.ok(second.fencingToken > first.fencingToken);
  });

  it("refuses an execution with an older token or with none while somebody has the plan, and changes nothing", async (t) => {
    const store = await openStore(t);
    const old = await claimed(store, "a", { nowMs: 0, leaseMs: 10 });
    const latest = await claimed(store, "b", { nowMs: 10, leaseMs: 10 });
    const refusal = { code: "failed_precondition" };
    for (const fencingToken of [old.fencingToken, latest.fencingToken + 1, 0]) {
      for (const executed of [true, false]) {
        const record = sampleExecution({ executed });
        await assert.rejects(store.markExecuted("s", record, { fencingToken, nowMs: 19 }), refusal);
      }
    }
    await assert.rejects(store.markExecuted("s", sampleExecution()), refusal);
    assert.equal((await store.executionStats("s", { recentLimit: 1 })).total, 0);
    assert.deepEqual(await claim(store, "c", { nowMs: 19 }), { status: "held", claim: latest });
    const mark = await store.markExecuted("s", sampleExecution(), { fencingToken: latest.fencingToken, nowMs: 19 });
    assert.equal(mark.alreadyExecuted, false);
  });

  it("takes an execution from a lease that has ended as long as nobody else claimed, and without a token then", async (t) => {
    const store = await openStore(t);
    const { fencingToken } = await claimed(store, "a", { nowMs: 0, leaseMs: 10 });
    const attempt = sampleExecution({ executed: false, status: "error" });
    assert.equal((await store.markExecuted("s", attempt, { fencingToken, nowMs: 99 })).alreadyExecuted, false);
    assert.equal((await store.markExecuted("s", attempt, { fencingToken: 0, nowMs: 99 })).alreadyExecuted, false);
  });

  it("has nothing to claim once a plan is executed, whose claim has ended", async (t) => {
    const store = await openStore(t);
    const { fencingToken } = await claimed(store, "a");
    const execution = sampleExecution();
    await store.markExecuted("s", execution, { fencingToken, nowMs: 0 });
    assert.deepEqual(await claim(store, "b"), { status: "executed", execution });
    assert.equal(await store.releaseExecution("s", "plan", fencingToken), false);
    // A repeated mark finds its own first one, and so does one that comes too late.
    for (const token of [fencingToken, fencingToken - 1, 0]) {
      const mark = await store.markExecuted("s", execution, { fencingToken: token, nowMs: 0 });
      assert.equal(mark.alreadyExecuted, true);
    }
  });

  it("keeps the claim when its holder only tried", async (t) => {
    const store = await openStore(t);
    const mine = await claimed(store, "a");
    const attempt = sampleExecution({ executed: false, status: "error" });
    await store.markExecuted("s", attempt, { fencingToken: mine.fencingToken, nowMs: 0 });
    assert.deepEqual(await claim(store, "b"), { status: "held", claim: mine });
  });

  it("releases a claim by its token once, and its token is worth nothing then", async (t) => {
    const store = await openStore(t);
    const { fencingToken } = await claimed(store, "a");
    assert.equal(await store.releaseExecution("s", "plan", fencingToken + 1), false);
    assert.equal(await store.releaseExecution("s", "other", fencingToken), false);
    assert.equal(await store.releaseExecution("t", "plan", fencingToken), false);
    assert.equal(await store.releaseExecution("s", "plan", fencingToken), true);
    assert.equal(await store.releaseExecution("s", "plan", fencingToken), false);
    await assert.rejects(store.markExecuted("s", sampleExecution(), { fencingToken, nowMs: 0 }), {
      code: "failed_precondition",
    });
    const next = await claimed(store, "a");
    assert.ok(next.fencingToken > fencingToken);
  });

  it("never gives a token twice, though claims end, make room and the clock goes back", async (t) => {
    const store = await openStore(t, { claimsPerSession: 1 });
    let last = 0;
    for (const [index, nowMs] of [1000, 2000, 500, 600, 500, 0].entries()) {
      const { fencingToken } = await claimed(store, "a", { planHash: `p${index}`, nowMs, leaseMs: 1 });
      assert.ok(fencingToken > last);
      last = fencingToken;
      await store.releaseExecution("s", `p${index}`, fencingToken);
    }
  });

  it("lets a claim whose lease has ended make room, and refuses one too many while all last", async (t) => {
    const store = await openStore(t, { claimsPerSession: 2 });
    await claimed(store, "a", { planHash: "short", leaseMs: 10 });
    await claimed(store, "a", { planHash: "long", leaseMs: 100 });
    await assert.rejects(claim(store, "a", { planHash: "more", nowMs: 9 }), {
      code: "resource_exhausted",
      details: { limit: "claimsPerSession", value: "2" },
    });
    assert.equal((await claim(store, "b", { planHash: "short", nowMs: 9 })).status, "held");
    await claimed(store, "a", { planHash: "more", nowMs: 10 });
    assert.equal((await claim(store, "b", { planHash: "long", nowMs: 10 })).status, "held");
  });

  it("lets no executor act whose token is not the latest, in whatever order they come", async (t) => {
    const seed = Number(process.env["FAST_CHECK_SEED"] ?? Date.now() % 2 ** 31);
    t.diagnostic(`FAST_CHECK_SEED=${seed}`);
    const executor = fc.nat(2);
    const step = fc.oneof(
      fc.record({ kind: fc.constant("claim" as const), executor, leaseMs: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ kind: fc.constantFrom("try" as const, "execute" as const, "release" as const), executor }),
      fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: -2, max: 4 }) }),
    );
    const onlyTheLatestActs = fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const store = await driver.open();
      const tokens = [0, 0, 0];
      let [nowMs, latest, executions] = [100, 0, 0];
      try {
        for (const one of steps) {
          if (one.kind === "wait") {
            nowMs += one.ms;
            continue;
          }
          const token = tokens[one.executor] ?? 0;
          if (one.kind === "claim") {
            const outcome = await claim(store, `executor${one.executor}`, { nowMs, leaseMs: one.leaseMs });
            if (outcome.status !== "claimed") continue;
            const { fencingToken } = outcome.claim;
            assert.ok(fencingToken > latest || (fencingToken === latest && fencingToken === token));
            tokens[one.executor] = latest = fencingToken;
          } else if (one.kind === "release") {
            if (await store.releaseExecution("s", "plan", token)) assert.equal(token, latest);
          } else if (token !== 0) {
            const record = sampleExecution({ executed: one.kind === "execute", orderId: String(token) });
            const mark = await store.markExecuted("s", record, { fencingToken: token, nowMs }).catch(() => undefined);
            if (mark === undefined || mark.alreadyExecuted) continue;
            assert.equal(token, latest);
            if (record.executed) executions += 1;
          }
        }
        assert.ok(executions <= 1);
      } finally {
        await store.close();
      }
    });
    await fc.assert(onlyTheLatestActs, { seed, numRuns: driver.histories });
  });
}

type Wish = { readonly planHash?: string; readonly nowMs?: number; readonly leaseMs?: number };

function claim(store: MemoryStore, holder: string, wish: Wish = {}): ReturnType<MemoryStore["claimExecution"]> {
  return store.claimExecution("s", { planHash: "plan", nowMs: 0, leaseMs: 1000, holder, ...wish });
}

async function claimed(store: MemoryStore, holder: string, wish: Wish = {}): Promise<ExecutionClaim> {
  const outcome = await claim(store, holder, wish);
  assert.equal(outcome.status, "claimed");
  return outcome.status === "claimed" ? outcome.claim : assert.fail();
}
