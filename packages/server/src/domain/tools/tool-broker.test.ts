import assert from "node:assert/strict";
import { test } from "node:test";
import { codeOf, createBrokerBench, ok, refused } from "./tool-broker.test-helper.ts";
import type { ToolCallRequest } from "./tool-call.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a call reaches its provider and its output comes back under the same id", async () => {
  const { add, call, statistics } = createBrokerBench();
  const { calls } = add("a");
  const result = call({ id: "c1", arguments: '{"x":1}', headers: { trace: "7" }, correlationId: "task", timeoutMs: 5 });
  assert.deepEqual(calls[0]?.invocation, {
    id: "c1",
    name: "t",
    arguments: '{"x":1}',
    headers: { trace: "7" },
    correlationId: "task",
    timeoutMs: 5,
    caller: "me",
    authority: [],
    idempotencyKey: "",
    chain: undefined,
  });
  calls[0]?.settle(ok('{"y":2}'));
  assert.deepEqual(await result, { id: "c1", outcome: ok('{"y":2}') });
  assert.deepEqual(statistics(), { calls: 1, errors: 0, timeouts: 0, lateResults: 0, inFlight: 0 });
});

test("a call without an id gets one, empty arguments are {}, and no time is 30 s", async () => {
  const { add, call } = createBrokerBench();
  const { calls } = add("a");
  const result = call();
  const { id, arguments: args, timeoutMs } = calls[0]?.invocation ?? {};
  assert.deepEqual([args, timeoutMs], ["{}", 30_000]);
  calls[0]?.settle(ok());
  assert.equal((await result).id, id);
  assert.match(id ?? "", /^[0-9a-f-]{36}$/);
});

test("an unknown tool is an outcome, and a strange name is shown shortened", async () => {
  const { call } = createBrokerBench();
  const { outcome } = await call({ name: "nope" });
  assert.deepEqual(outcome, {
    status: "not_found",
    code: "NOT_FOUND",
    message: "Tool not found: nope",
    details: { outcome: "NOT_RUN" },
  });
  const long = await call({ name: "x".repeat(1e6) });
  assert.ok(long.outcome.status !== "ok" && long.outcome.message.length < 200);
});

test("arguments that are no JSON, no object, too much or against the schema never reach the provider", async () => {
  const { add, call, statistics } = createBrokerBench();
  const { calls } = add("a", '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}');
  const bad = ["{", "[]", '{"n":1,"__proto__":{}}', "", '{"n":"x"}', `{"n":1,"x":"${"x".repeat(262_144)}"}`];
  for (const args of bad)
    assert.equal(codeOf((await call({ arguments: args })).outcome), "invalid_arguments INVALID_ARGUMENTS");
  const { outcome } = await call({ arguments: '{"n":"x"}' });
  assert.equal(outcome.status !== "ok" && outcome.message, "Invalid arguments: /n must be integer");
  assert.equal(calls.length, 0);
  assert.deepEqual(statistics(), { calls: 7, errors: 7, timeouts: 0, lateResults: 0, inFlight: 0 });
});

test("time ends a call at once, tells the provider, and a late output is dropped and counted", async () => {
  const { runtime, add, call, statistics } = createBrokerBench();
  const { calls } = add("a");
  const result = call({ timeoutMs: 100 });
  runtime.advance(99);
  assert.equal(calls[0]?.signal.aborted, false);
  runtime.advance(1);
  assert.equal(calls[0]?.signal.aborted, true);
  assert.deepEqual((await result).outcome, {
    status: "timeout",
    code: "TIMEOUT",
    message: "Timeout",
    details: { outcome: "UNKNOWN", timeout_ms: "100" },
  });
  calls[0]?.settle(ok());
  await settled();
  assert.deepEqual(statistics(), { calls: 1, errors: 1, timeouts: 1, lateResults: 1, inFlight: 0 });
});

test("a negative time is refused and a very long one is taken as ten minutes", async () => {
  const { add, call } = createBrokerBench();
  const { calls } = add("a");
  await refused(call({ timeoutMs: -1 }), "invalid_argument", /timeout_ms is -1/);
  await refused(call({ timeoutMs: Number.NaN }), "invalid_argument", /timeout_ms/);
  const results = [call({ timeoutMs: 2 ** 31 - 1 }), call({ timeoutMs: Number.MAX_SAFE_INTEGER })];
  assert.deepEqual(
    calls.map(({ invocation }) => invocation.timeoutMs),
    [600_000, 600_000],
  );
  for (const { settle } of calls) settle(ok());
  await Promise.all(results);
});

test("ids and headers that are too large or could lie in a log are refused", async () => {
  const { add, call } = createBrokerBench();
  const { calls } = add("a");
  await refused(call({ id: "x".repeat(129) }), "invalid_argument", /id has 129 bytes/);
  await refused(call({ id: "a\nb" }), "invalid_argument", /control character/);
  await refused(call({ correlationId: "a\u202eb" }), "invalid_argument", /correlation_id/);
  await refused(call({ headers: { k: "x".repeat(4097) } }), "invalid_argument", /headers "k" has 4097 bytes/);
  assert.equal(calls.length, 0);
});

test("a caller that gives up gets CANCELLED, its provider is told, and the timer is gone", async () => {
  const { runtime, add, call, statistics } = createBrokerBench();
  const { calls } = add("a");
  const caller = new AbortController();
  const result = call({}, caller.signal);
  caller.abort();
  assert.equal(calls[0]?.signal.aborted, true);
  assert.equal(codeOf((await result).outcome), "error CANCELLED");
  assert.deepEqual([runtime.pendingTimers(), statistics()?.inFlight], [0, 0]);
  assert.equal(codeOf((await call({}, AbortSignal.abort())).outcome), "error CANCELLED");
  assert.equal(calls.length, 1);
});

test("a provider that goes away ends its open calls at once and only its own", async () => {
  const { runtime, add, call } = createBrokerBench();
  const [a, b] = [add("a"), add("b")];
  const [lost, kept] = [call(), call()];
  a.registration.remove();
  const { outcome } = await lost;
  assert.deepEqual(outcome.status !== "ok" && [outcome.code, outcome.details], [
    "PROVIDER_LOST",
    { outcome: "UNKNOWN", provider: "a" },
  ]);
  assert.equal(a.calls[0]?.signal.aborted, true);
  b.calls[0]?.settle(ok());
  assert.equal(codeOf((await kept).outcome), "ok");
  b.registration.remove();
  assert.equal(codeOf((await call()).outcome), "not_found NOT_FOUND");
  assert.equal(runtime.pendingTimers(), 0);
});

test("a provider that rejects or throws is a defect: logged whole, told to the caller without its words", async () => {
  const { add, call, errors, registry } = createBrokerBench();
  const { calls, registration } = add("a");
  const result = call();
  calls[0]?.reject("secret");
  const { outcome } = await result;
  assert.ok(outcome.status === "error" && outcome.code === "EXECUTION_ERROR" && !outcome.message.includes("secret"));
  registration.remove();
  const boom = new Error("boom");
  const call_ = (): never => {
    throw boom;
  };
  const descriptor = { name: "t", description: "", parametersSchema: "", metadata: {} };
  registry.register({ kind: "agent", id: "b", call: call_ }, [descriptor]);
  assert.equal(codeOf((await call()).outcome), "error EXECUTION_ERROR");
  assert.deepEqual(errors, ["secret", boom]);
});

test("a provider that rejects after the end is neither a defect nor an unhandled rejection", async () => {
  const { runtime, add, call, errors, statistics } = createBrokerBench();
  const { calls } = add("a");
  const result = call({ timeoutMs: 1 });
  runtime.advance(1);
  calls[0]?.reject(new Error("stopped"));
  assert.equal(codeOf((await result).outcome), "timeout TIMEOUT");
  await settled();
  assert.deepEqual([errors, statistics()?.lateResults], [[], 0]);
});

test("an output that is no JSON or too large is no success", async () => {
  const { add, call } = createBrokerBench();
  const { calls } = add("a");
  const answer = async (output: string) => {
    const result = call();
    calls.at(-1)?.settle(ok(output));
    return codeOf((await result).outcome);
  };
  const text = (bytes: number) => JSON.stringify("x".repeat(bytes - 2));
  assert.equal(await answer("not json"), "error INVALID_RESULT");
  assert.equal(await answer(""), "error INVALID_RESULT");
  assert.equal(await answer(text(1_048_576)), "ok");
  assert.equal(await answer(text(1_048_577)), "error RESULT_TOO_LARGE");
});

test("the least busy provider is called, and equals take turns", async () => {
  const { add, call } = createBrokerBench();
  const providers = [add("a"), add("b"), add("c")];
  const load = () => providers.map(({ calls }) => calls.length);
  const results = [call(), call(), call()];
  assert.deepEqual(load(), [1, 1, 1]);
  providers[1]?.calls[0]?.settle(ok());
  await results[1];
  results.push(call());
  assert.deepEqual(load(), [1, 2, 1]);
  for (const { calls } of providers) for (const { settle } of calls) settle(ok());
  await Promise.all(results);
});

test("one after the other, calls go round all providers", async () => {
  const { add, call } = createBrokerBench();
  const providers = [add("a"), add("b"), add("c")];
  for (let round = 0; round < 6; round += 1) {
    const result = call();
    for (const { calls } of providers) calls.at(-1)?.settle(ok());
    await result;
  }
  assert.deepEqual(
    providers.map(({ calls }) => calls.length),
    [2, 2, 2],
  );
});

test("limits of open calls are named, and a call that ends makes room", async () => {
  for (const [limit, kind] of [
    ["inFlightPerAgent", "agent"],
    ["inFlightPerTool", "bridge"],
    ["inFlight", "bridge"],
  ] as const) {
    const { add, call } = createBrokerBench({ [limit]: 2 });
    const { calls } = add("a", "", kind);
    const results = [call(), call()];
    await refused(call(), "resource_exhausted", new RegExp(`2 calls open, the limit ${limit}`));
    calls[0]?.settle(ok());
    await results[0];
    results.push(call());
    assert.equal(calls.length, 3);
    for (const { settle } of calls) settle(ok());
    await Promise.all(results);
  }
});

test("by default an agent takes 64 calls and a tool 256", async () => {
  const { add, call } = createBrokerBench();
  const { calls } = add("a");
  const results = Array.from({ length: 64 }, () => call());
  await refused(call(), "resource_exhausted", /agent "a" has 64 calls open/);
  for (const id of ["b", "c", "d", "e"]) add(id);
  const more = Array.from({ length: 192 }, () => call());
  await refused(call(), "resource_exhausted", /tool "t" has 256 calls open/);
  assert.equal(calls.length, 64);
  for (const promise of [...results, ...more]) promise.catch(() => {});
});

test("an agent may call its own tool, and a tool may call a tool", async () => {
  const { registry, broker } = createBrokerBench();
  const descriptor = { name: "fact", description: "", parametersSchema: "", metadata: {} };
  const request = (n: number): ToolCallRequest => ({
    id: "",
    name: "fact",
    arguments: JSON.stringify({ n }),
    timeoutMs: 0,
    headers: {},
    correlationId: "",
    caller: "a",
  });
  registry.register(
    {
      kind: "agent",
      id: "a",
      async call(invocation) {
        const { n } = JSON.parse(invocation.arguments) as { n: number };
        if (n === 0) return ok("1");
        const { outcome } = await broker.call(request(n - 1));
        return outcome.status === "ok" ? ok(String(n * Number(outcome.output))) : outcome;
      },
    },
    [descriptor],
  );
  assert.deepEqual((await broker.call(request(5))).outcome, ok("120"));
});
