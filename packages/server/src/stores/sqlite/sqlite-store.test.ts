import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type Runtime, systemRuntime } from "@loom-bridge/protocol";
import SqliteDatabase from "better-sqlite3";
import { memoryStoreContract } from "../memory-store-contract.test-helper.ts";
import { sampleExecution, samplePlan } from "../memory-store-samples.test-helper.ts";
import { createSqliteStore } from "./sqlite-store.ts";

const directory = mkdtempSync(join(tmpdir(), "loom-sqlite-"));
after(() => rmSync(directory, { recursive: true }));
let files = 0;
const newPath = (): string => join(directory, `${(files += 1)}.sqlite`);

memoryStoreContract("the SQLite driver", {
  open: (capacity) => createSqliteStore({ path: newPath(), runtime: systemRuntime, capacity: capacity ?? {} }),
  histories: 40,
});

/** A runtime that keeps what is deferred until it is told to run it. */
function steppedRuntime(): Runtime & { runDeferred(): void } {
  const deferred: (() => void)[] = [];
  return {
    ...systemRuntime,
    defer: (callback) => void deferred.push(callback),
    runDeferred: () => {
      for (const callback of deferred.splice(0)) callback();
    },
  };
}

describe("an SQLite file", () => {
  it("shows everything when it is opened again", async () => {
    const path = newPath();
    const first = await createSqliteStore({ path, runtime: systemRuntime });
    await first.savePlan("s", samplePlan());
    await first.findDuplicate("s", samplePlan(), 1000);
    await first.markExecuted("s", sampleExecution());
    await first.close();
    const second = await createSqliteStore({ path, runtime: systemRuntime });
    assert.deepEqual(await second.recentPlans("s", { limit: 10 }), [samplePlan()]);
    assert.deepEqual(await second.findExecution("s", "plan"), sampleExecution());
    const { total, duplicatesPrevented } = await second.executionStats("s", { symbol: "BTC", recentLimit: 10 });
    assert.deepEqual({ total, duplicatesPrevented }, { total: 1, duplicatesPrevented: 1 });
    await second.close();
  });

  it("keeps claims and never gives a token again when it is opened again, by whatever clock", async () => {
    const path = newPath();
    const claim = { planHash: "plan", holder: "a", leaseMs: 1000, nowMs: 5000 };
    const first = await createSqliteStore({ path, runtime: systemRuntime });
    const held = await first.claimExecution("s", claim);
    const released = await first.claimExecution("s", { ...claim, planHash: "released" });
    assert.ok(held.status === "claimed" && released.status === "claimed");
    await first.releaseExecution("s", "released", released.claim.fencingToken);
    await first.close();
    const second = await createSqliteStore({ path, runtime: systemRuntime });
    assert.deepEqual(await second.claimExecution("s", { ...claim, holder: "b" }), { ...held, status: "held" });
    const next = await second.claimExecution("s", { ...claim, planHash: "released", nowMs: 0 });
    assert.ok(next.status === "claimed" && next.claim.fencingToken > released.claim.fencingToken);
    await second.close();
  });

  it("is one file after close", async () => {
    const path = newPath();
    const store = await createSqliteStore({ path, runtime: systemRuntime });
    await store.savePlan("s", samplePlan());
    assert.ok(existsSync(`${path}-wal`));
    await store.close();
    assert.ok(!existsSync(`${path}-wal`));
    const copy = new SqliteDatabase(path, { readonly: true });
    assert.equal(copy.prepare("SELECT count(*) FROM plans").pluck().get(), 1);
    copy.close();
  });

  it("loses no acknowledged write when its process is killed", { timeout: 60_000 }, async () => {
    const path = newPath();
    const script = fileURLToPath(new URL("writer-process.test-helper.ts", import.meta.url));
    for (const fewest of [1, 40, 150]) {
      const writer = spawn(process.execPath, ["--import", "tsx", script, path], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const exited = once(writer, "exit");
      const acknowledged: string[] = [];
      for await (const planHash of createInterface({ input: writer.stdout })) {
        acknowledged.push(planHash);
        if (acknowledged.length === fewest) writer.kill("SIGKILL");
      }
      assert.deepEqual(await exited, [null, "SIGKILL"]);
      assert.ok(acknowledged.length >= fewest);
      const store = await createSqliteStore({ path, runtime: systemRuntime });
      const stored = await store.recentPlans("s", { limit: 10_000 });
      const hashes = new Set(stored.map(({ planHash }) => planHash));
      for (const planHash of acknowledged) {
        assert.ok(hashes.has(planHash), `plan ${planHash} was acknowledged and is gone`);
        assert.notEqual(await store.findExecution("s", planHash), undefined);
      }
      await store.close();
    }
  });

  it("serves two bridges at once", async () => {
    const path = newPath();
    const one = await createSqliteStore({ path, runtime: systemRuntime });
    const two = await createSqliteStore({ path, runtime: systemRuntime });
    const window = { onlyIfNewWithinMs: 1000 };
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : two).savePlan("s", samplePlan(), window)),
    );
    assert.equal(outcomes.filter(({ status }) => status === "saved").length, 1);
    await one.markExecuted("s", sampleExecution({ orderId: "one" }));
    const mark = await two.markExecuted("s", sampleExecution({ orderId: "two" }));
    assert.deepEqual([mark.alreadyExecuted, mark.execution.orderId], [true, "one"]);
    await one.close();
    await two.close();
  });

  it("makes room at once when its capacity was lowered", async () => {
    const path = newPath();
    const large = await createSqliteStore({ path, runtime: systemRuntime });
    for (let index = 0; index < 10; index += 1) await large.savePlan("s", samplePlan());
    await large.close();
    const small = await createSqliteStore({ path, runtime: systemRuntime, capacity: { plansPerSession: 3 } });
    assert.deepEqual(await small.savePlan("s", samplePlan()), { status: "saved", evicted: 8 });
    assert.deepEqual(await small.savePlan("s", samplePlan()), { status: "saved", evicted: 1 });
    assert.equal((await small.recentPlans("s", { limit: 10 })).length, 3);
    await small.close();
  });
});

describe("the writes of one tick", () => {
  it("are acknowledged only after their commit, which they share", async () => {
    const path = newPath();
    const runtime = steppedRuntime();
    const store = await createSqliteStore({ path, runtime });
    const saves = Promise.all([store.savePlan("s", samplePlan()), store.savePlan("t", samplePlan())]);
    const reader = new SqliteDatabase(path, { readonly: true });
    const count = reader.prepare("SELECT count(*) FROM plans").pluck();
    assert.equal(await Promise.race([saves, Promise.resolve("waiting")]), "waiting");
    assert.equal(count.get(), 0);
    runtime.runDeferred();
    assert.equal(count.get(), 2);
    assert.equal((await saves).length, 2);
    reader.close();
    await store.close();
  });

  it("beyond the queue are refused, and taken again after the commit", async () => {
    const runtime = steppedRuntime();
    const store = await createSqliteStore({ path: newPath(), runtime, maxQueuedWrites: 2 });
    const accepted = [store.savePlan("s", samplePlan()), store.savePlan("s", samplePlan())];
    await assert.rejects(store.savePlan("s", samplePlan()), {
      code: "resource_exhausted",
      retryable: true,
      details: { limit: "maxQueuedWrites", value: "2" },
    });
    runtime.runDeferred();
    await Promise.all(accepted);
    const third = store.savePlan("s", samplePlan());
    runtime.runDeferred();
    await third;
    assert.equal((await store.recentPlans("s", { limit: 10 })).length, 3);
    await store.close();
  });

  it("are committed in several transactions when there are many", async () => {
    const store = await createSqliteStore({ path: newPath(), runtime: systemRuntime, maxWritesPerCommit: 7 });
    await Promise.all(Array.from({ length: 50 }, () => store.savePlan("s", samplePlan())));
    assert.equal((await store.recentPlans("s", { limit: 100 })).length, 50);
    await store.close();
  });

  it("are committed by close when they wait for it", async () => {
    const path = newPath();
    const store = await createSqliteStore({ path, runtime: steppedRuntime() });
    const save = store.savePlan("s", samplePlan());
    await store.close();
    assert.equal((await save).status, "saved");
    const again = await createSqliteStore({ path, runtime: systemRuntime });
    assert.equal((await again.recentPlans("s", { limit: 10 })).length, 1);
    await again.close();
  });
});

describe("a disk or lock that fails", () => {
  it("answers unavailable when the file is full, keeps what was acknowledged and stores no part of the rest", async () => {
    const path = newPath();
    const store = await createSqliteStore({ path, runtime: systemRuntime, maxFileBytes: 256 * 1024 });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 100 }, (_, index) =>
        store.savePlan("s", samplePlan({ planHash: `p${index}`, reasoning: "x".repeat(10_000) })),
      ),
    );
    const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    assert.notEqual(refused.length, 0);
    for (const { code, details, cause } of refused) {
      assert.deepEqual({ code, details }, { code: "unavailable", details: { sqlite: "SQLITE_FULL" } });
      assert.ok(cause instanceof SqliteDatabase.SqliteError);
    }
    const stored = await store.recentPlans("s", { limit: 100 });
    assert.equal(stored.length, 100 - refused.length);
    await store.close();
    const roomy = await createSqliteStore({ path, runtime: systemRuntime });
    assert.deepEqual(await roomy.recentPlans("s", { limit: 100 }), stored);
    assert.deepEqual(await roomy.savePlan("s", samplePlan()), { status: "saved", evicted: 0 });
    await roomy.close();
  });

  it("answers unavailable while another process holds the lock, and goes on afterwards", async () => {
    const path = newPath();
    const store = await createSqliteStore({ path, runtime: systemRuntime, busyTimeoutMs: 1 });
    const other = new SqliteDatabase(path);
    other.exec("BEGIN IMMEDIATE");
    const refusal = { code: "unavailable", retryable: true, details: { sqlite: "SQLITE_BUSY" } };
    await assert.rejects(store.savePlan("s", samplePlan()), refusal);
    assert.deepEqual(await store.recentPlans("s", { limit: 10 }), []);
    other.exec("ROLLBACK");
    other.close();
    await store.savePlan("s", samplePlan());
    await store.close();
  });
});
