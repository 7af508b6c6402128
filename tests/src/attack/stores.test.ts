import assert from "node:assert/strict";
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { LoomError, systemRuntime } from "@loom-bridge/protocol";
import { BridgeService, MemoryService } from "@loom-bridge/protocol/messages";
import { createBridge, createInMemoryStore, createSqliteStore, type MemoryStore, serve } from "@loom-bridge/server";

// Stores that fail, and clocks that jump, under a bridge on a real socket.
const folder = await mkdtemp(join(tmpdir(), "loom-bridge-stores-"));
after(() => rm(folder, { recursive: true }));

async function startBridge(store: MemoryStore, runtime = systemRuntime) {
  const server = await serve(createBridge({ store, runtime }), { address: "127.0.0.1:0" });
  const transport = createGrpcTransport({ baseUrl: server.url });
  const memory = createClient(MemoryService, transport);
  return {
    memory,
    /** What becomes of a plan of this name. */
    async save(planHash: string, timeoutMs = 10_000): Promise<string> {
      try {
        const plan = { symbol: "BTC", action: "BUY", planHash, reasoning: planHash.repeat(200) };
        await memory.savePlan({ sessionId: "s", plan }, { timeoutMs });
        return "saved";
      } catch (error) {
        return Code[ConnectError.from(error).code];
      }
    },
    /** The plans that there are, oldest first; each must be whole. */
    async plans(): Promise<string[]> {
      const { plans } = await memory.getRecentPlans({ sessionId: "s", limit: 100 });
      for (const { planHash, reasoning } of plans) assert.equal(reasoning, planHash.repeat(200));
      return plans.map(({ planHash }) => planHash).reverse();
    },
    /** Others are served, and nothing of a call is left. */
    async goesOn(): Promise<void> {
      assert.equal((await createClient(BridgeService, transport).getInfo({})).name, "loom-bridge");
      while (server.listener.calls > 0) await new Promise((resolve) => setImmediate(resolve));
    },
    [Symbol.asyncDispose]: () => server.close({ graceMs: 100 }),
  };
}

test("row 81: while a store throws or hangs its calls fail, others are served, and afterwards all is as it was told", async () => {
  type Mood = "fine" | "is down" | "has a defect" | "hangs";
  let mood: Mood = "fine";
  const moods: Record<Mood, () => Promise<unknown> | undefined> = {
    fine: () => undefined,
    "is down": () => Promise.reject(new LoomError("unavailable", "the store is down")),
    "has a defect": () => Promise.reject(new TypeError("secret of the store")),
    hangs: () => new Promise(() => {}),
  };
  const store = new Proxy(createInMemoryStore(), {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function" || name === "close") return value;
      return (...args: unknown[]) => moods[mood]() ?? Reflect.apply(value, target, args);
    },
  });
  await using bridge = await startBridge(store);
  assert.equal(await bridge.save("first"), "saved");
  for (const [next, code] of [
    ["is down", "Unavailable"],
    ["has a defect", "Internal"],
    ["hangs", "DeadlineExceeded"],
  ] as const) {
    mood = next;
    const ends = await Promise.all(Array.from({ length: 20 }, (_, n) => bridge.save(`lost-${n}`, 500)));
    assert.deepEqual(new Set(ends), new Set([code]), next);
    const reading = bridge.memory.getRecentPlans({ sessionId: "s" }, { timeoutMs: 500 });
    const error = await reading.then(() => undefined, ConnectError.from);
    assert.equal(error && Code[error.code], code);
    assert.doesNotMatch(error?.message ?? "", /secret/);
    await bridge.goesOn();
  }
  mood = "fine";
  assert.deepEqual(await bridge.plans(), ["first"]);
  assert.equal(await bridge.save("second"), "saved");
  assert.deepEqual(await bridge.plans(), ["first", "second"]);
});

test("row 81: when the disk is full a save is unavailable and none is half there; with room, all goes on", async () => {
  const path = join(folder, "full.db");
  const saved: string[] = [];
  {
    const store = await createSqliteStore({ path, runtime: systemRuntime, maxFileBytes: 200_000 });
    await using bridge = await startBridge(store);
    for (let n = 0; ; n += 1) {
      const end = await bridge.save(`plan-${n}`);
      if (end !== "saved") {
        assert.equal(end, "Unavailable");
        break;
      }
      saved.push(`plan-${n}`);
    }
    assert.ok(saved.length > 10);
    assert.deepEqual(await bridge.plans(), saved.slice(-100));
    await bridge.goesOn();
  }
  await using bridge = await startBridge(await createSqliteStore({ path, runtime: systemRuntime }));
  assert.deepEqual(await bridge.plans(), saved.slice(-100));
  assert.equal(await bridge.save("more"), "saved");
});

test("row 81: of a write that was torn, the plans before it are there, whole, and the bridge starts", async () => {
  const path = join(folder, "torn.db");
  const saved: string[] = [];
  const sizes: number[] = [];
  await using bridge = await startBridge(await createSqliteStore({ path, runtime: systemRuntime }));
  for (let n = 0; n < 20; n += 1) {
    assert.equal(await bridge.save(`plan-${n}`), "saved");
    saved.push(`plan-${n}`);
    sizes.push((await stat(`${path}-wal`)).size);
  }
  const log = await readFile(`${path}-wal`);
  // As a power cut leaves it: cut off within the writes of plans 5, 12 and 19, or with their end as it was on the disk before.
  for (const n of [5, 12, 19]) {
    const [begin = 0, end = 0] = [sizes[n - 1], sizes[n]];
    for (const [at, rest] of [
      [begin + 7, 0],
      [Math.floor((begin + end) / 2), 0],
      [end - 1, 0],
      [end - 100, 100],
    ] as const) {
      const torn = join(folder, `torn-${n}-${at}.db`);
      await copyFile(path, torn);
      await writeFile(`${torn}-wal`, Buffer.concat([log.subarray(0, at), Buffer.alloc(rest)]));
      await using restarted = await startBridge(await createSqliteStore({ path: torn, runtime: systemRuntime }));
      assert.deepEqual(await restarted.plans(), saved.slice(0, n), `cut at ${at} of ${end}`);
      assert.equal(await restarted.save("more"), "saved");
    }
  }
});

test("row 78: a clock that jumps changes the time of plans that name none, and of no other", async () => {
  let jumpedMs = 0;
  const runtime = { ...systemRuntime, now: () => 1_800_000_000_000 + jumpedMs };
  await using bridge = await startBridge(createInMemoryStore(), runtime);
  const plan = { symbol: "BTC", action: "BUY" };
  const { memory } = bridge;
  await memory.savePlan({ sessionId: "own", plan: { ...plan, timestampMs: 1_000_000n } });
  await memory.savePlan({ sessionId: "none", plan });
  const isDuplicate = async (sessionId: string, timestampMs: bigint): Promise<boolean> =>
    (await memory.checkDuplicate({ sessionId, plan: { ...plan, timestampMs } })).isDuplicate;
  for (const [jumpMs, within] of [
    [0, true],
    [299_999, true],
    [300_000, false],
    [3_600_000, false],
    [-299_999, true],
    [-300_000, false],
    [-3_600_000, false],
  ] as const) {
    jumpedMs = jumpMs;
    assert.equal(await isDuplicate("own", 1_000_000n + 299_999n), true, `its own time, ${jumpMs}`);
    assert.equal(await isDuplicate("none", 0n), within, `the bridge's time, ${jumpMs}`);
  }
  assert.equal((await memory.getRecentPlans({ sessionId: "none" })).plans.length, 1, "nothing has expired");
});
