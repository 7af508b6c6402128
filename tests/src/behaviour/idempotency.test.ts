import assert from "node:assert/strict";
import { test } from "node:test";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { defineTool } from "@loom-bridge/client";
import { ActionService, ToolStatus } from "@loom-bridge/protocol/messages";
import { z } from "zod";
import { describeInEveryWorld, type World } from "../world.ts";

function actionsOf(world: World): Client<typeof ActionService> {
  return createClient(ActionService, world.transport("grpc"));
}

/** A tool that counts its runs; with `hang` it never ends. */
function counter() {
  let runs = 0;
  let onRun = (): void => {};
  const tool = defineTool({
    name: "count",
    description: "Counts its runs",
    input: z.object({ hang: z.boolean().optional() }),
    run: ({ hang }) => {
      runs += 1;
      onRun();
      return hang === true ? new Promise<never>(() => {}) : runs;
    },
  });
  const nextRun = (): Promise<void> =>
    new Promise((resolve) => {
      onRun = resolve;
    });
  return { tool, runs: () => runs, nextRun };
}

describeInEveryWorld("calls with an idempotency key", (createWorld) => {
  test("run once, whoever calls and however often, and answer alike", async () => {
    await using world = await createWorld();
    const { tool, runs } = counter();
    await world.agent({ id: "provider", tools: [tool] });
    const call = { name: "count", idempotencyKey: "order-1" };
    const one = actionsOf(world);
    const other = actionsOf(world);
    const repeat = (_: unknown, index: number) => (index % 2 === 0 ? one : other).forwardToolCall(call);
    const results = await Promise.all(Array.from({ length: 20 }, repeat));
    results.push(await one.forwardToolCall(call));
    assert.deepEqual(new Set(results.map(({ output }) => output)), new Set(["1"]));
    assert.equal(runs(), 1);
    await one.forwardToolCall({ ...call, idempotencyKey: "order-2" });
    assert.equal(runs(), 2);
  });

  test("are refused when the key was used for another request", async () => {
    await using world = await createWorld();
    const { tool, runs } = counter();
    await world.agent({ id: "provider", tools: [tool] });
    const actions = actionsOf(world);
    await actions.forwardToolCall({ name: "count", idempotencyKey: "k" });
    await assert.rejects(
      actions.forwardToolCall({ name: "count", idempotencyKey: "k", arguments: '{"hang":false}' }),
      (error) =>
        error instanceof ConnectError &&
        error.code === Code.FailedPrecondition &&
        /idempotency_key/.test(error.message),
    );
    assert.equal(runs(), 1);
  });

  test("whose outcome is unknown answer so again, and their tool does not run twice", async () => {
    await using world = await createWorld();
    const { tool, runs, nextRun } = counter();
    const provider = await world.agent({ id: "provider", drainTimeoutMs: 1, tools: [tool] });
    const actions = actionsOf(world);
    const call = { name: "count", arguments: '{"hang":true}', idempotencyKey: "k" };
    const running = nextRun();
    const lost = actions.forwardToolCall(call);
    await running;
    await provider.stop();
    const first = await lost;
    assert.deepEqual([first.status, first.error?.code], [ToolStatus.TOOL_ERROR, "PROVIDER_LOST"]);
    assert.equal(first.error?.details["outcome"], "UNKNOWN");
    await world.agent({ id: "another", tools: [tool] });
    assert.deepEqual((await actions.forwardToolCall(call)).error, first.error);
    assert.equal(runs(), 1);
  });

  test("that were refused leave their key free", async () => {
    await using world = await createWorld();
    const actions = actionsOf(world);
    const call = { name: "count", idempotencyKey: "k" };
    const early = await actions.forwardToolCall(call);
    assert.deepEqual([early.error?.code, early.error?.details["outcome"]], ["NOT_FOUND", "NOT_RUN"]);
    const { tool } = counter();
    await world.agent({ id: "provider", tools: [tool] });
    assert.equal((await actions.forwardToolCall(call)).output, "1");
  });
});
