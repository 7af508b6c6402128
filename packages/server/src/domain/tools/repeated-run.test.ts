import assert from "node:assert/strict";
import { test } from "node:test";
import type { ToolOutcome } from "./tool.ts";
import { type BrokerBench, codeOf, createBrokerBench, ok, refused } from "./tool-broker.test-helper.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));
const detailsOf = (outcome: ToolOutcome) => (outcome.status === "ok" ? {} : outcome.details);

/** Lets the wait before the next attempt pass. */
async function nextAttempt({ runtime }: BrokerBench): Promise<void> {
  await settled();
  runtime.advance(200);
  await settled();
}

test("a call that only reads, or is idempotent and has a key, goes to another provider when its own is lost", async () => {
  for (const [effect, idempotencyKey] of [
    ["read", ""],
    ["idempotent", "k"],
  ] as const) {
    const bench = createBrokerBench();
    const [a, b] = [bench.add("a", "", "agent", effect), bench.add("b", "", "agent", effect)];
    const result = bench.call({ idempotencyKey });
    await settled();
    assert.equal(a.calls.length, 1);
    a.registration.remove();
    await nextAttempt(bench);
    const [repeated] = b.calls;
    assert.ok((repeated?.invocation.timeoutMs ?? 30_000) < 30_000);
    assert.equal(repeated?.invocation.idempotencyKey, idempotencyKey);
    repeated?.settle(ok("42"));
    assert.deepEqual((await result).outcome, ok("42"));
    assert.deepEqual(bench.statistics(), { calls: 1, errors: 0, timeouts: 0, lateResults: 0, inFlight: 0 });
  }
});

test("a call that may run once, or is idempotent without a key, is never repeated", async () => {
  for (const [effect, idempotencyKey] of [
    ["once", "k"],
    ["once", ""],
    ["idempotent", ""],
  ] as const) {
    const bench = createBrokerBench();
    const [a, b] = [bench.add("a", "", "agent", effect), bench.add("b", "", "agent", effect)];
    const result = bench.call({ idempotencyKey });
    await settled();
    a.registration.remove();
    const { outcome } = await result;
    assert.equal(codeOf(outcome), "error PROVIDER_LOST");
    assert.deepEqual(detailsOf(outcome), { outcome: "UNKNOWN", provider: "a" });
    await nextAttempt(bench);
    assert.equal(b.calls.length, 0);
  }
});

test("there are three attempts at most, and the outcome says how many", async () => {
  const bench = createBrokerBench();
  const providers = ["a", "b", "c", "d"].map((id) => bench.add(id, "", "agent", "read"));
  const result = bench.call();
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const lost = providers.find(({ calls }) => calls.some(({ signal }) => !signal.aborted));
    lost?.registration.remove();
    await nextAttempt(bench);
  }
  const { outcome } = await result;
  assert.equal(codeOf(outcome), "error PROVIDER_LOST");
  assert.equal(detailsOf(outcome)?.["attempts"], "3");
  assert.equal(providers.flatMap(({ calls }) => calls).length, 3);
  assert.equal(bench.runtime.pendingTimers(), 0);
});

test("there is no further attempt without a provider, nor past the caller's time", async () => {
  const alone = createBrokerBench();
  const { registration } = alone.add("a", "", "agent", "read");
  const result = alone.call();
  registration.remove();
  await nextAttempt(alone);
  assert.deepEqual(detailsOf((await result).outcome), { outcome: "UNKNOWN", provider: "a" });

  const late = createBrokerBench();
  const [a, b] = [late.add("a", "", "agent", "read"), late.add("b", "", "agent", "read")];
  const short = late.call({ timeoutMs: 1 });
  a.registration.remove();
  assert.equal(codeOf((await short).outcome), "error PROVIDER_LOST");
  assert.equal(b.calls.length, 0);
});

test("a caller that gives up between two attempts is free, and nothing runs any more", async () => {
  const bench = createBrokerBench();
  const [a, b] = [bench.add("a", "", "agent", "read"), bench.add("b", "", "agent", "read")];
  const caller = new AbortController();
  const result = bench.call({}, caller.signal);
  a.registration.remove();
  await settled();
  caller.abort();
  assert.equal(codeOf((await result).outcome), "error CANCELLED");
  await nextAttempt(bench);
  assert.deepEqual([b.calls.length, bench.runtime.pendingTimers(), bench.statistics()?.inFlight], [0, 0, 0]);
});

test("a failure says whether the tool may have run", async () => {
  const { add, call, runtime } = createBrokerBench({ inFlightPerAgent: 1 });
  const outcomeOf = async (result: ReturnType<typeof call>) => detailsOf((await result).outcome)?.["outcome"];
  assert.equal(await outcomeOf(call()), "NOT_RUN");
  const { calls, registration } = add("a", '{"required":["n"]}');
  assert.equal(await outcomeOf(call()), "NOT_RUN");
  const request = { arguments: '{"n":1}' };
  assert.equal(await outcomeOf(call(request, AbortSignal.abort())), "NOT_RUN");
  const notRun = (error: { details: Record<string, string> }) => error.details["outcome"] === "NOT_RUN";
  const late = call({ ...request, timeoutMs: 5 });
  await assert.rejects(call(request), notRun);
  await assert.rejects(call({ ...request, timeoutMs: -1 }), notRun);
  runtime.advance(5);
  assert.equal(await outcomeOf(late), "UNKNOWN");
  const caller = new AbortController();
  const cancelled = call(request, caller.signal);
  caller.abort();
  assert.equal(await outcomeOf(cancelled), "UNKNOWN");
  const rejected = call(request);
  calls.at(-1)?.reject(new Error("defect"));
  assert.equal(await outcomeOf(rejected), "UNKNOWN");
  const lost = call(request);
  registration.remove();
  assert.equal(await outcomeOf(lost), "UNKNOWN");
});

test("agents that share a tool agree on its effect", () => {
  const { add } = createBrokerBench();
  add("a", "", "agent", "read");
  assert.throws(() => add("b", "", "agent", "once"), { code: "failed_precondition", message: /has the effect once/ });
});

test("a chain goes on to the provider one step longer, caps the time, and ends at its limits", async () => {
  const { add, call } = createBrokerBench();
  const { calls } = add("a");
  const chain = { hops: 30, remainingMs: 50, budget: 2, spent: false, path: ["planner > go"] };
  void call({ chain, timeoutMs: 1000 });
  const { invocation } = calls[0] ?? assert.fail();
  assert.equal(invocation.timeoutMs, 50);
  assert.deepEqual(invocation.chain, { ...chain, hops: 31, budget: 1, path: ["planner > go", "me > t"] });
  await refused(call({ chain: { ...chain, hops: 32 } }), "failed_precondition", /planner > go → me > t/);
  await refused(call({ chain: { ...chain, spent: true } }), "failed_precondition", /budget/);
  await refused(call({ chain: { ...chain, remainingMs: -1 } }), "failed_precondition", /time was over/);
  assert.equal(calls.length, 1);
});
