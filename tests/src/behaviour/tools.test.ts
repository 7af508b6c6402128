import assert from "node:assert/strict";
import { test } from "node:test";
import { defineTool, type ToolContext, ToolStatus } from "@loom-bridge/client";
import { z } from "zod";
import { describeInEveryWorld } from "../world.ts";

const add = defineTool({
  name: "math:add",
  description: "Adds two numbers",
  input: z.object({ a: z.number(), b: z.number() }),
  run: ({ a, b }) => ({ sum: a + b }),
});

function hanging(started: (context: ToolContext) => void) {
  return defineTool({
    name: "hang",
    description: "Runs until it is told to stop",
    input: z.object({}),
    run: (_args, context) => {
      started(context);
      return new Promise<never>(() => {});
    },
  });
}

describeInEveryWorld("tools of agents", (createWorld) => {
  test("are called on the stream and by ForwardToolCall, and are listed with their schema", async () => {
    await using world = await createWorld();
    await world.agent({ id: "provider", tools: [add] });
    const caller = await world.agent({ id: "caller" });
    assert.deepEqual(await caller.callTool(add, { a: 1, b: 2 }), { sum: 3 });
    const client = world.client();
    const result = await client.forwardToolCall({ id: "call-1", name: "math:add", arguments: '{"a":2,"b":2}' });
    assert.deepEqual([result.status, result.output, result.id], [ToolStatus.TOOL_OK, '{"sum":4}', "call-1"]);
    const { tools } = await client.listTools();
    assert.deepEqual(
      tools.map(({ name, description, providers }) => [name, description, providers]),
      [["math:add", "Adds two numbers", ["provider"]]],
    );
    assert.deepEqual(JSON.parse(tools[0]?.parametersSchema ?? "").required, ["a", "b"]);
  });

  test("do not run with arguments that do not fit", async () => {
    await using world = await createWorld();
    let runs = 0;
    await world.agent({ id: "provider", tools: [{ ...add, run: () => (runs += 1) }] });
    const client = world.client();
    for (const wrong of ["", "{", "[]", '{"a":"1","b":2}', `{"a":1,"b":2,"c":"${"x".repeat(262_144)}"}`]) {
      const { status, error } = await client.forwardToolCall({ name: "math:add", arguments: wrong });
      assert.deepEqual([status, error?.code], [ToolStatus.TOOL_INVALID_ARGUMENTS, "INVALID_ARGUMENTS"], wrong);
    }
    assert.equal(runs, 0);
  });

  test("that fail, are missing or are too slow say so by status and code", async () => {
    await using world = await createWorld();
    const failing = defineTool({
      name: "fail",
      description: "Fails",
      input: z.object({}),
      run: () => {
        throw new Error("out of coffee");
      },
    });
    const stopped = Promise.withResolvers<void>();
    const hang = hanging(({ signal }) => signal.addEventListener("abort", () => stopped.resolve()));
    await world.agent({ id: "provider", drainTimeoutMs: 1, tools: [failing, hang] });
    const client = world.client();
    const answers = await Promise.all(
      [{ name: "fail" }, { name: "absent" }, { name: "hang", timeoutMs: 60 }].map((call) =>
        client.forwardToolCall(call),
      ),
    );
    assert.deepEqual(
      answers.map(({ status, error, output }) => [status, error?.code, output]),
      [
        [ToolStatus.TOOL_ERROR, "EXECUTION_ERROR", ""],
        [ToolStatus.TOOL_NOT_FOUND, "NOT_FOUND", ""],
        [ToolStatus.TOOL_TIMEOUT, "TIMEOUT", ""],
      ],
    );
    assert.match(answers[0]?.error?.message ?? "", /out of coffee/);
    assert.match(answers[1]?.error?.message ?? "", /Tool not found: absent/);
    await stopped.promise;
  });

  test("are told when the caller gives up, and the caller is free at once", async () => {
    await using world = await createWorld();
    const running = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<void>();
    const hang = hanging(({ signal }) => {
      signal.addEventListener("abort", () => stopped.resolve());
      running.resolve();
    });
    await world.agent({ id: "provider", drainTimeoutMs: 1, tools: [hang] });
    const caller = await world.agent({ id: "caller" });
    const cancel = new AbortController();
    const call = caller.callTool("hang", {}, { signal: cancel.signal });
    await running.promise;
    cancel.abort();
    await assert.rejects(call, { code: "canceled" });
    await stopped.promise;
  });

  test("end their callers' calls at once when their agent goes", async () => {
    await using world = await createWorld();
    const running = Promise.withResolvers<void>();
    const provider = await world.agent({
      id: "provider",
      drainTimeoutMs: 1,
      tools: [hanging(() => running.resolve())],
    });
    const caller = await world.agent({ id: "caller" });
    const call = assert.rejects(caller.callTool("hang"), {
      toolCode: "PROVIDER_LOST",
      details: { outcome: "UNKNOWN", provider: "provider" },
    });
    await running.promise;
    await provider.stop();
    await call;
  });

  test("answer a repeated call id with the first result and run once", async () => {
    await using world = await createWorld();
    let runs = 0;
    const count = defineTool({ name: "count", description: "Counts", input: z.object({}), run: () => (runs += 1) });
    await world.agent({ id: "provider", tools: [count] });
    const caller = await world.agent({ id: "caller" });
    const results = await Promise.all([1, 2, 3].map(() => caller.callTool("count", {}, { id: "once" })));
    assert.deepEqual([results, runs], [[1, 1, 1], 1]);
    assert.equal(await caller.callTool("count", {}, { id: "twice" }), 2);
  });

  test("that several agents provide share the calls and survive one of them", async () => {
    await using world = await createWorld();
    // Nobody is free again before all calls are given out.
    const allGiven = Promise.withResolvers<void>();
    let given = 0;
    const run = async (id: string): Promise<string> => {
      given += 1;
      if (given === 20) allGiven.resolve();
      await allGiven.promise;
      return id;
    };
    const provide = (id: string) =>
      world.agent({
        id,
        tools: [defineTool({ name: "who", description: "Who am I", input: z.object({}), run: () => run(id) })],
      });
    const one = await provide("one");
    await provide("two");
    const caller = await world.agent({ id: "caller" });
    const answers = await Promise.all(Array.from({ length: 20 }, () => caller.callTool("who")));
    assert.deepEqual([answers.filter((id) => id === "one").length, answers.length], [10, 20]);
    await one.stop();
    assert.equal(await caller.callTool("who"), "two");
  });

  test("call each other, also the agent's own and from inside a handler", async () => {
    await using world = await createWorld();
    const done = Promise.withResolvers<unknown>();
    await world.agent({
      id: "both",
      topics: ["go"],
      tools: [add],
      onEvent: async (context) => done.resolve(await context.tool("math:add", { payload: { a: 20, b: 22 } })),
    });
    const writer = await world.agent({ id: "writer" });
    await writer.publish("go", { type: "go" });
    assert.deepEqual(await done.promise, { sum: 42 });
  });

  test("are open 64 at a time, and the 65th call is refused with the limit", async () => {
    await using world = await createWorld();
    let running = 0;
    const full = Promise.withResolvers<void>();
    const hang = hanging(() => {
      running += 1;
      if (running === 64) full.resolve();
    });
    await world.agent({ id: "provider", drainTimeoutMs: 1, tools: [hang] });
    const caller = await world.agent({ id: "caller" });
    const cancel = new AbortController();
    const calls = Array.from({ length: 64 }, () =>
      caller.callTool("hang", {}, { signal: cancel.signal }).catch(() => {}),
    );
    await full.promise;
    await assert.rejects(caller.callTool("hang"), { toolCode: "RESOURCE_EXHAUSTED", message: /64/ });
    cancel.abort();
    await Promise.all(calls);
  });
});
