import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LoomError } from "@loom-bridge/protocol";
import { createInMemoryStore } from "../../stores/memory/in-memory-store.ts";
import { createManualRuntime } from "../manual-runtime.ts";
import { createMemory, type Memory } from "./memory.ts";
import type { MemoryLimits } from "./memory-limits.ts";

const plan = { symbol: "BTC", action: "BUY" };
const nowMs = createManualRuntime().now();

function newMemory(limits: Partial<MemoryLimits> = {}): Memory {
  return createMemory({ store: createInMemoryStore(), runtime: createManualRuntime(), limits });
}

/** Expects a refusal that names the field and, if given, the limit and the value. */
async function refuses(call: Promise<unknown>, field: string, facts: object = {}): Promise<void> {
  await assert.rejects(call, (error: LoomError) => {
    assert.equal(error.code, "invalid_argument");
    assert.deepEqual(error.details, { field, ...facts });
    assert.ok(error.rawMessage.startsWith(field), error.rawMessage);
    return true;
  });
}

describe("a plan", () => {
  it("is required, with a symbol and an action", async () => {
    const memory = newMemory();
    for (const call of [memory.savePlan.bind(memory), memory.findDuplicate.bind(memory)]) {
      await refuses(call("s", undefined), "plan");
      await refuses(call("s", { action: "BUY" }), "plan.symbol");
      await refuses(call("s", { symbol: "BTC" }), "plan.action");
    }
    assert.deepEqual(await memory.recentPlans("s"), []);
  });

  it("was made now when it has no time stamp", async () => {
    const memory = newMemory();
    await memory.savePlan("s", plan);
    await memory.savePlan("s", { ...plan, timestampMs: 0 });
    await memory.savePlan("s", { ...plan, timestampMs: 5 });
    const stamps = (await memory.recentPlans("s")).map(({ timestampMs }) => timestampMs);
    assert.deepEqual(stamps, [5, nowMs, nowMs]);
  });

  it("keeps the hash it was given, and gets one otherwise", async () => {
    const memory = newMemory();
    assert.equal((await memory.savePlan("s", { ...plan, planHash: "Mine|1" })).planHash, "Mine|1");
    const { planHash } = await memory.savePlan("s", plan);
    assert.match(planHash, /^[0-9a-f]{16}$/);
    assert.deepEqual(
      (await memory.recentPlans("s")).map((stored) => stored.planHash),
      [planHash, "Mine|1"],
    );
  });

  it("has a confidence from 0 to 1", async () => {
    const memory = newMemory();
    for (const confidence of [-0.1, 1.1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const limit = confidence < 0 ? "0" : "1";
      await refuses(memory.savePlan("s", { ...plan, confidence }), "plan.confidence", {
        limit,
        value: String(confidence),
      });
    }
    for (const confidence of [0, 1]) await memory.savePlan("s", { ...plan, confidence });
  });

  it("has a time stamp that is a whole number and not negative", async () => {
    const memory = newMemory();
    for (const timestampMs of [-1, 0.5, 2 ** 53, Number.NaN]) {
      await assert.rejects(memory.savePlan("s", { ...plan, timestampMs }), /plan\.timestamp_ms is/);
    }
  });

  it("has bounded texts", async () => {
    const memory = newMemory({ nameBytes: 4, reasoningBytes: 8 });
    const facts = { limit: "nameBytes", value: "4" };
    await refuses(memory.savePlan("s", { ...plan, symbol: "↑↑" }), "plan.symbol", facts);
    await refuses(memory.savePlan("s", { ...plan, action: "123456" }), "plan.action", facts);
    await refuses(memory.savePlan("s", { ...plan, method: "123456" }), "plan.method", facts);
    await refuses(memory.savePlan("s", { ...plan, planHash: "123456" }), "plan.plan_hash", facts);
    await refuses(memory.savePlan("s", { ...plan, reasoning: "123456789" }), "plan.reasoning", {
      limit: "reasoningBytes",
      value: "8",
    });
    await refuses(memory.savePlan("s", { ...plan, symbol: "\ud800" }), "plan.symbol");
    await memory.savePlan("s", { ...plan, reasoning: "12345678" });
  });

  it("has bounded metadata", async () => {
    const memory = newMemory({ metadataPairs: 2, metadataKeyBytes: 3, metadataValueBytes: 4 });
    const save = (metadata: Record<string, string>): Promise<unknown> => memory.savePlan("s", { ...plan, metadata });
    await refuses(save({ a: "", b: "", c: "" }), "plan.metadata", { limit: "metadataPairs", value: "2" });
    await refuses(save({ four: "" }), "a key of plan.metadata", { limit: "metadataKeyBytes", value: "3" });
    await refuses(save({ key: "12345" }), 'plan.metadata["key"]', { limit: "metadataValueBytes", value: "4" });
    await save({ key: "1234", b: "" });
  });

  it("is not changed by what its caller does afterwards", async () => {
    const memory = newMemory();
    const draft = { ...plan, metadata: { a: "1" } };
    await memory.savePlan("s", draft);
    draft.symbol = "ETH";
    draft.metadata.a = "2";
    const [stored] = await memory.recentPlans("s");
    assert.deepEqual([stored?.symbol, stored?.metadata], ["BTC", { a: "1" }]);
  });
});

describe("a session id", () => {
  it("has 1 to 128 bytes without control characters, in every call", async () => {
    const memory = newMemory();
    const calls: ((sessionId: string) => Promise<unknown>)[] = [
      (id) => memory.savePlan(id, plan),
      (id) => memory.findDuplicate(id, plan),
      (id) => memory.recentPlans(id),
      (id) => memory.markExecuted(id, "p"),
      (id) => memory.findExecution(id, "p"),
      (id) => memory.executionStats(id),
    ];
    for (const call of calls) {
      await refuses(call(""), "session_id");
      await refuses(call("a\nb"), "session_id");
      await refuses(call("a\u0085b"), "session_id");
      await refuses(call("ä".repeat(65)), "session_id", { limit: "idBytes", value: "128" });
      await call("ä".repeat(64));
      await call("any text: it's an id");
    }
  });
});

describe("the window for duplicates", () => {
  it("is 300 seconds unless told otherwise, and its edge is outside", async () => {
    const memory = newMemory();
    await memory.savePlan("s", { ...plan, timestampMs: 1_000_000 });
    for (const windowSec of [undefined, 0, 300]) {
      const find = (timestampMs: number): Promise<unknown> =>
        memory.findDuplicate("s", { ...plan, timestampMs }, windowSec);
      assert.equal(await find(700_000), undefined);
      assert.notEqual(await find(700_001), undefined);
      assert.notEqual(await find(1_299_999), undefined);
      assert.equal(await find(1_300_000), undefined);
    }
  });

  it("may be shorter or longer", async () => {
    const memory = newMemory();
    await memory.savePlan("s", { ...plan, timestampMs: 1_000_000 });
    const at = { ...plan, timestampMs: 1_001_000 };
    assert.equal(await memory.findDuplicate("s", at, 1), undefined);
    assert.equal((await memory.findDuplicate("s", at, 2))?.distanceMs, 1000);
    assert.equal((await memory.savePlan("s", at, { onlyIfNew: true, windowSec: 2 })).status, "duplicate");
    assert.equal((await memory.savePlan("s", at, { onlyIfNew: true, windowSec: 1 })).status, "saved");
  });

  it("is neither negative nor beyond its limit", async () => {
    const memory = newMemory();
    const field = "time_window_sec";
    await refuses(memory.findDuplicate("s", plan, -1), field, { limit: "0", value: "-1" });
    await refuses(memory.findDuplicate("s", plan, 2_592_001), field, { limit: "2592000", value: "2592001" });
    await refuses(memory.savePlan("s", plan, { windowSec: -1 }), field, { limit: "0", value: "-1" });
    assert.equal(await memory.findDuplicate("s", plan, 2_592_000), undefined);
  });
});

describe("recent plans", () => {
  it("are 10 unless told otherwise, and at most 100", async () => {
    const memory = newMemory();
    for (let index = 0; index < 120; index += 1) await memory.savePlan("s", { ...plan, planHash: `${index}` });
    const count = async (limit?: number): Promise<number> =>
      (await memory.recentPlans("s", limit === undefined ? {} : { limit })).length;
    assert.deepEqual(
      [await count(), await count(0), await count(1), await count(100), await count(1000)],
      [10, 10, 1, 100, 100],
    );
    await refuses(memory.recentPlans("s", { limit: -1 }), "limit", { limit: "0", value: "-1" });
    assert.equal((await memory.recentPlans("s", { limit: 1 }))[0]?.planHash, "119");
  });

  it("are those of one symbol, or of all when it is empty", async () => {
    const memory = newMemory();
    await memory.savePlan("s", plan);
    await memory.savePlan("s", { ...plan, symbol: "ETH" });
    assert.equal((await memory.recentPlans("s", { symbol: "ETH" })).length, 1);
    assert.equal((await memory.recentPlans("s", { symbol: "" })).length, 2);
  });
});

describe("an execution", () => {
  it("is executed now with status executed when the caller says nothing of it", async () => {
    const memory = newMemory();
    const expected = {
      timestampMs: nowMs,
      planHash: "p",
      symbol: "",
      action: "",
      confidence: 0,
      status: "executed",
      executed: true,
      orderId: "",
      orderSizeUsdt: 0,
      errorMessage: "",
    };
    const outcome = await memory.markExecuted("s", "p");
    assert.deepEqual(outcome, { alreadyExecuted: false, execution: expected, evicted: 0 });
    assert.deepEqual(await memory.findExecution("s", "p"), expected);
  });

  it("belongs to the plan of the request", async () => {
    const memory = newMemory();
    await refuses(memory.markExecuted("s", ""), "plan_hash");
    await refuses(memory.findExecution("s", ""), "plan_hash");
    await refuses(memory.markExecuted("s", "p", { planHash: "q", executed: true }), "execution.plan_hash");
    assert.equal((await memory.executionStats("s")).total, 0);
    await memory.markExecuted("s", "p", { planHash: "p", executed: true });
    await memory.markExecuted("s", "q", { planHash: "", executed: true });
    assert.equal((await memory.findExecution("s", "q"))?.planHash, "q");
  });

  it("is an attempt unless it says executed", async () => {
    const memory = newMemory();
    await memory.markExecuted("s", "p", { status: "skipped" });
    await memory.markExecuted("s", "p", { status: "error", errorMessage: "no funds" });
    assert.equal(await memory.findExecution("s", "p"), undefined);
    assert.equal((await memory.executionStats("s")).total, 2);
  });

  it("has numbers that the protocol can carry and bounded texts", async () => {
    const memory = newMemory({ nameBytes: 4, errorMessageBytes: 4 });
    const mark = (execution: object): Promise<unknown> => memory.markExecuted("s", "p", execution);
    await refuses(mark({ confidence: 2 }), "execution.confidence", { limit: "1", value: "2" });
    await assert.rejects(mark({ orderSizeUsdt: 1e39 }), /execution\.order_size_usdt is 1e\+39/);
    await assert.rejects(mark({ orderSizeUsdt: Number.NaN }), /execution\.order_size_usdt is NaN/);
    await assert.rejects(mark({ timestampMs: -1 }), /execution\.timestamp_ms is -1/);
    const facts = { limit: "nameBytes", value: "4" };
    await refuses(mark({ orderId: "12345" }), "execution.order_id", facts);
    await refuses(mark({ status: "12345" }), "execution.status", facts);
    await refuses(mark({ errorMessage: "12345" }), "execution.error_message", {
      limit: "errorMessageBytes",
      value: "4",
    });
    await refuses(memory.markExecuted("s", "12345"), "plan_hash", facts);
  });
});

describe("a claim", () => {
  it("has a lease of 30 s unless told, from 100 ms to an hour", async () => {
    const memory = newMemory();
    const leaseOf = async (planHash: string, leaseMs?: number): Promise<number> => {
      const outcome = await memory.claimExecution("s", planHash, "a", leaseMs);
      return outcome.status === "claimed" ? outcome.claim.expiresMs - nowMs : assert.fail(outcome.status);
    };
    assert.deepEqual(
      [await leaseOf("a"), await leaseOf("b", 0), await leaseOf("c", 100), await leaseOf("d", 3_600_000)],
      [30_000, 30_000, 100, 3_600_000],
    );
    await refuses(memory.claimExecution("s", "e", "a", 99), "lease_ms", { limit: "100", value: "99" });
    await refuses(memory.claimExecution("s", "e", "a", 3_600_001), "lease_ms", { limit: "3600000", value: "3600001" });
  });

  it("ends on the wall clock, and the late executor is refused", async () => {
    const runtime = createManualRuntime();
    const memory = createMemory({ store: createInMemoryStore(), runtime });
    const first = await memory.claimExecution("s", "plan", "a", 100);
    runtime.advance(99);
    assert.equal((await memory.claimExecution("s", "plan", "b", 100)).status, "held");
    runtime.advance(1);
    const second = await memory.claimExecution("s", "plan", "b", 100);
    assert.ok(first.status === "claimed" && second.status === "claimed");
    const late = memory.markExecuted("s", "plan", undefined, first.claim.fencingToken);
    await assert.rejects(late, { code: "failed_precondition", message: /not that of the latest claim/ });
    await assert.rejects(memory.markExecuted("s", "plan"), {
      code: "failed_precondition",
      details: { field: "fencing_token", value: "0", held_by: "b" },
    });
    const mark = await memory.markExecuted("s", "plan", undefined, second.claim.fencingToken);
    assert.equal(mark.alreadyExecuted, false);
  });

  it("needs a plan hash, a holder and a token that can be one", async () => {
    const memory = newMemory();
    await refuses(memory.claimExecution("s", "", "a"), "plan_hash");
    await refuses(memory.claimExecution("s", "plan", ""), "holder");
    await refuses(memory.claimExecution("s", "plan", "x".repeat(129)), "holder", { limit: "nameBytes", value: "128" });
    await refuses(memory.claimExecution("", "plan", "a"), "session_id");
    await refuses(memory.releaseExecution("s", "plan", 0), "fencing_token", { limit: "1", value: "0" });
    const limit = String(Number.MAX_SAFE_INTEGER);
    await refuses(memory.markExecuted("s", "plan", undefined, 2 ** 60), "fencing_token", {
      limit,
      value: String(2 ** 60),
    });
  });
});

describe("the statistics", () => {
  it("tell a win rate of 0.6 for three successes and two errors, whatever else was recorded", async () => {
    const memory = newMemory();
    for (const [index, status] of ["success", "error", "success", "error", "success"].entries()) {
      await memory.markExecuted("s", `p${index}`, { status, executed: true });
    }
    assert.equal((await memory.executionStats("s")).winRate, 0.6);
    await memory.markExecuted("s", "skipped", { status: "skipped" });
    const { total, winRate } = await memory.executionStats("s");
    assert.deepEqual({ total, winRate }, { total: 6, winRate: 0.6 });
  });

  it("tell a win rate of 0 when nothing was decided", async () => {
    const memory = newMemory();
    assert.equal((await memory.executionStats("s")).winRate, 0);
    await memory.markExecuted("s", "p");
    assert.equal((await memory.executionStats("s")).winRate, 0);
  });

  it("list the last 10, newest first", async () => {
    const memory = newMemory();
    for (let index = 0; index < 12; index += 1) await memory.markExecuted("s", `p${index}`);
    const { recent } = await memory.executionStats("s", "");
    assert.deepEqual([recent.length, recent[0]?.planHash, recent[9]?.planHash], [10, "p11", "p2"]);
  });
});

it("closes the store", async () => {
  const memory = newMemory();
  await memory.close();
  await assert.rejects(memory.savePlan("s", plan), { code: "unavailable" });
});
