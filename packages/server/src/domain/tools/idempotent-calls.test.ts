import assert from "node:assert/strict";
import { test } from "node:test";
import { createInMemoryCallResults } from "../../stores/call-results/in-memory-call-results.ts";
import { codeOf, createBrokerBench, ok, refused } from "./tool-broker.test-helper.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));
const key = { idempotencyKey: "pay-7" };

test("callers with the same key and request share one run and its result, for 24 hours after its end", async () => {
  const { add, call, runtime } = createBrokerBench();
  const { calls } = add("a");
  const results = [call({ ...key, caller: "x", id: "1" }), call({ ...key, caller: "y" }), call({ ...key, caller: "" })];
  await settled();
  results.push(call(key));
  calls[0]?.settle(ok("42"));
  for (const result of results) assert.deepEqual((await result).outcome, ok("42"));
  assert.equal((await results[0])?.id, "1");
  runtime.advance(86_399_999);
  assert.deepEqual((await call({ ...key, caller: "z" })).outcome, ok("42"));
  assert.equal(calls.length, 1);
  runtime.advance(1);
  void call(key);
  await settled();
  assert.equal(calls.length, 2);
});

test("the journal says of a call that its key was used before, while the first is open and after its end", async () => {
  const { add, call, journal } = createBrokerBench();
  const { calls } = add("a");
  const wordsOf = (id: string): string[] => journal.explain(id).records.map(({ what }) => what);
  const both = [call({ ...key, id: "first" }), call({ ...key, id: "during" })];
  await settled();
  calls[0]?.settle(ok());
  await Promise.all(both);
  await call({ ...key, id: "after" });
  assert.deepEqual(wordsOf("first"), ["called", "answered"]);
  assert.deepEqual(wordsOf("during"), ["duplicate", "answered"]);
  assert.deepEqual(wordsOf("after"), ["duplicate", "answered"]);
});

test("a key that was used for another request is refused, open or ended", async () => {
  const { add, call } = createBrokerBench();
  const { calls } = add("a");
  const first = call(key);
  const other = { ...key, arguments: '{"n":1}' };
  await refused(call(other), "failed_precondition", /idempotency_key "pay-7" was used for another/);
  await settled();
  calls[0]?.settle(ok());
  await first;
  await refused(call(other), "failed_precondition", /idempotency_key "pay-7"/);
  await refused(call({ ...key, name: "u" }), "failed_precondition", /idempotency_key/);
  assert.equal(calls.length, 1);
});

test("a call that was refused leaves its key free, a tool's own failure is kept", async () => {
  const { add, call } = createBrokerBench({ inFlightPerAgent: 1 });
  assert.equal(codeOf((await call(key)).outcome), "not_found NOT_FOUND");
  const { calls } = add("a");
  const busy = call();
  await refused(call(key), "resource_exhausted", /inFlightPerAgent/);
  calls[0]?.settle(ok());
  await busy;
  const failing = call(key);
  await settled();
  calls[1]?.settle({ status: "error", code: "BROKE", message: "no money" });
  assert.equal(codeOf((await failing).outcome), "error BROKE");
  assert.equal(codeOf((await call(key)).outcome), "error BROKE");
  assert.equal(calls.length, 2);
});

test("an unknown outcome is repeated to who asks for a tool that may run once, and run again otherwise", async () => {
  for (const effect of ["once", "idempotent", "read"] as const) {
    const { add, call, runtime } = createBrokerBench();
    const { calls } = add("a", "", "agent", effect);
    const late = call({ ...key, timeoutMs: 5 });
    await settled();
    runtime.advance(5);
    assert.equal(codeOf((await late).outcome), "timeout TIMEOUT");
    const repeated = call(key);
    await settled();
    if (effect === "once") {
      assert.deepEqual((await repeated).outcome, (await late).outcome);
      assert.equal(calls.length, 1);
    } else {
      calls[1]?.settle(ok("2"));
      assert.deepEqual((await repeated).outcome, ok("2"));
      assert.deepEqual((await call(key)).outcome, ok("2"));
    }
  }
});

test("a call whose bridge was killed has an unknown outcome, and runs again only if it may", async () => {
  for (const effect of ["once", "idempotent"] as const) {
    const results = createInMemoryCallResults();
    const before = createBrokerBench({}, results);
    before.add("a", "", "agent", effect);
    void before.call(key);
    await settled();
    const after = createBrokerBench({}, results);
    const { calls } = after.add("a", "", "agent", effect);
    const result = after.call(key);
    await settled();
    calls[0]?.settle(ok());
    const { outcome } = await result;
    assert.equal(codeOf(outcome), effect === "once" ? "error PROVIDER_LOST" : "ok");
    if (outcome.status !== "ok") assert.deepEqual(outcome.details, { outcome: "UNKNOWN" });
    assert.equal(calls.length, effect === "once" ? 0 : 1);
  }
});

test("a result that cannot be kept is not given to anybody as one", async () => {
  const results = createInMemoryCallResults();
  const { add, call, errors } = createBrokerBench({}, results);
  const { calls } = add("a");
  const result = call(key);
  await settled();
  await results.close();
  calls[0]?.settle(ok());
  const { outcome } = await result;
  assert.ok(outcome.status !== "ok" && outcome.details?.["outcome"] === "UNKNOWN");
  assert.equal(errors.length, 1);
  await refused(call(key), "unavailable", /closed/);
});
