import assert from "node:assert/strict";
import { test } from "node:test";
import { codeOf, createBrokerBench, ok, refused } from "./tool-broker.test-helper.ts";

test("a repeated call joins the open one, then gets its outcome again; the tool runs once", async () => {
  const { runtime, add, call, statistics } = createBrokerBench();
  const { calls } = add("a");
  const results = [call({ id: "c" }), call({ id: "c", timeoutMs: 7, headers: { trace: "other" } })];
  calls[0]?.settle(ok("42"));
  for (const result of results) assert.deepEqual(await result, { id: "c", outcome: ok("42") });
  runtime.advance(119_999);
  assert.deepEqual((await call({ id: "c" })).outcome, ok("42"));
  assert.deepEqual([calls.length, statistics()?.calls], [1, 1]);
  runtime.advance(1);
  void call({ id: "c" });
  assert.equal(calls.length, 2);
});

test("an id that was used for another call is refused, open or ended; another caller may use it", async () => {
  const { add, call } = createBrokerBench();
  const { calls } = add("a");
  const result = call({ id: "c" });
  await refused(call({ id: "c", arguments: '{"x":1}' }), "failed_precondition", /call id "c"/);
  calls[0]?.settle(ok());
  await result;
  await refused(call({ id: "c", name: "u" }), "failed_precondition", /call id "c"/);
  void call({ id: "c", caller: "other" });
  assert.equal(calls.length, 2);
});

test("callers without a session share an id only for the same call, because nothing tells them apart", async () => {
  const { add, call } = createBrokerBench();
  const { calls } = add("a");
  const first = call({ id: "call-123", caller: "" });
  const same = call({ id: "call-123", caller: "" });
  void call({ id: "call-123", caller: "", arguments: '{"x":1}' });
  assert.equal(calls.length, 2);
  calls[0]?.settle(ok("42"));
  assert.deepEqual([(await first).outcome, (await same).outcome], [ok("42"), ok("42")]);
});

test("failures of a tool that ran are kept; a call that was refused may be repeated", async () => {
  const { runtime, add, call } = createBrokerBench({ inFlightPerAgent: 1 });
  assert.equal(codeOf((await call({ id: "early" })).outcome), "not_found NOT_FOUND");
  const { calls } = add("a");
  const timedOut = call({ id: "slow", timeoutMs: 5 });
  await refused(call({ id: "busy" }), "resource_exhausted", /inFlightPerAgent/);
  runtime.advance(5);
  await timedOut;
  assert.equal(codeOf((await call({ id: "slow" })).outcome), "timeout TIMEOUT");
  for (const id of ["early", "busy"]) {
    const result = call({ id });
    calls.at(-1)?.settle(ok());
    assert.equal(codeOf((await result).outcome), "ok");
  }
  assert.equal(calls.length, 3);
});

test("who gives up a shared call leaves it to the others; the last one cancels it", async () => {
  const { add, call } = createBrokerBench();
  const { calls } = add("a");
  const [first, second] = [new AbortController(), new AbortController()];
  const results = [call({ id: "c" }, first.signal), call({ id: "c" }, second.signal)] as const;
  first.abort();
  assert.equal(codeOf((await results[0]).outcome), "error CANCELLED");
  assert.equal(calls[0]?.signal.aborted, false);
  second.abort();
  assert.equal(calls[0]?.signal.aborted, true);
  assert.equal(codeOf((await results[1]).outcome), "error CANCELLED");
});

test("kept outcomes are bounded in number and bytes; the oldest go first", async () => {
  for (const [limits, output] of [
    [{ repeatEntries: 2 }, "1"],
    [{ repeatBytes: 4096 }, JSON.stringify("x".repeat(1600))],
  ] as const) {
    const { add, call } = createBrokerBench(limits);
    const { calls } = add("a");
    const run = async (id: string) => {
      const result = call({ id });
      calls.at(-1)?.settle(ok(output));
      await result;
    };
    for (const id of ["1", "2", "3"]) await run(id);
    await run("3");
    await run("2");
    assert.equal(calls.length, 3);
    await run("1");
    assert.equal(calls.length, 4);
  }
});
