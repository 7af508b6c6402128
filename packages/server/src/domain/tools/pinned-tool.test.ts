import assert from "node:assert/strict";
import { test } from "node:test";
import { LoomError } from "@loom-bridge/protocol";
import { createBrokerBench, ok } from "./tool-broker.test-helper.ts";

test("a call that pins the tool reaches it as long as it is described as it was", async () => {
  const bench = createBrokerBench();
  const { calls, registration } = bench.add("a");
  const toolHash = bench.registry.get("t")?.hash ?? "";
  const outcome = bench.call({ toolHash });
  calls[0]?.settle(ok());
  assert.deepEqual((await outcome).outcome, ok());

  registration.remove();
  const changed = bench.add("a", '{"type":"object"}');
  await assert.rejects(bench.call({ toolHash }), (error: unknown) => {
    assert.ok(LoomError.isInstance(error));
    assert.equal(error.code, "failed_precondition");
    assert.deepEqual(error.details, {
      outcome: "NOT_RUN",
      field: "tool_hash",
      tool: "t",
      hash: bench.registry.get("t")?.hash ?? "",
    });
    return true;
  });
  assert.equal(changed.calls.length, 0);
});

test("a pinned call whose provider was lost is not run by one that describes the tool otherwise", async () => {
  const bench = createBrokerBench();
  const first = bench.add("a", "", "agent", "read");
  const outcome = bench.call({ toolHash: bench.registry.get("t")?.hash ?? "" });
  assert.equal(first.calls.length, 1);
  first.registration.remove();
  const second = bench.add("b", '{"type":"object"}', "agent", "read");
  bench.runtime.advance(29_000);
  assert.equal(second.calls.length, 0);
  bench.runtime.advance(2000);
  assert.notEqual((await outcome).outcome.status, "ok");
});

test("an output that could harm its reader is none", async () => {
  const bench = createBrokerBench();
  for (const [output, problem] of [
    ['{"__proto__":{"admin":true}}', /__proto__/],
    [`${"[".repeat(65)}${"]".repeat(65)}`, /deeper than 64/],
    [`[${"0,".repeat(100_000)}0]`, /more than 100000 values/],
  ] as const) {
    const provider = bench.add("a");
    const result = bench.call();
    provider.calls[0]?.settle(ok(output));
    const { outcome } = await result;
    assert.ok(outcome.status === "error" && outcome.code === "INVALID_RESULT");
    assert.match(outcome.message, problem);
    provider.registration.remove();
  }
});
