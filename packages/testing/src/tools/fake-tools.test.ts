import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defineTool } from "@loom-bridge/client";
import { z } from "zod";
import { testBridge } from "../test-bridge.ts";

const quote = defineTool({
  name: "market:quote",
  description: "A price",
  input: z.object({ symbol: z.string() }),
  output: z.object({ usd: z.number() }),
  run: () => ({ usd: 0 }),
});

describe("a fake tool", () => {
  test("of a definition is typed by it, checked by its schema, and keeps its calls", async () => {
    await using bridge = testBridge();
    const fake = bridge.tools.fake(quote).reply(({ symbol }) => ({ usd: symbol.length }));
    const trader = await bridge.probe("trader");
    const { usd } = await trader.callTool(quote, { symbol: "BTC" }, { idempotencyKey: "k", headers: { a: "b" } });
    assert.equal(usd, 3);
    await assert.rejects(trader.callTool("market:quote", { symbol: 5 }), { toolCode: "INVALID_ARGUMENTS" });
    const [call] = fake.calls;
    const symbol: string | undefined = call?.args.symbol;
    assert.deepEqual(
      [symbol, call?.caller, call?.idempotencyKey, call?.headers["a"], call?.deadlineMs, call?.state],
      ["BTC", "trader", "k", "b", 30_000, "replied"],
    );
  });

  test("answers by matcher, in order, so many times", async () => {
    await using bridge = testBridge();
    bridge.tools
      .fake("search")
      .fail("RATE_LIMITED", "slow down", { times: 1 })
      .reply("cats", { when: { q: "cat" } })
      .reply("anything", { when: (args) => args !== null });
    const agent = await bridge.probe("agent");
    await assert.rejects(agent.callTool("search", { q: "cat" }), { toolCode: "RATE_LIMITED", message: /slow down/ });
    assert.equal(await agent.callTool("search", { q: "cat", page: 2 }), "cats");
    assert.equal(await agent.callTool("search", { q: "dog" }), "anything");
  });

  test("takes its time, hangs, or answers when nobody waits any more, all in virtual time", async () => {
    await using bridge = testBridge();
    const tool = bridge.tools
      .fake("slow")
      .reply(1, { times: 1, delay: "20s" })
      .hang({ times: 1 })
      .replyLate(3, { times: 1 });
    const agent = await bridge.probe("agent");
    assert.equal(await agent.callTool("slow"), 1);
    assert.equal(bridge.clock.elapsedMs(), 20_000);
    await assert.rejects(agent.callTool("slow", {}, { timeoutMs: 500 }), { toolCode: "TIMEOUT" });
    await assert.rejects(agent.callTool("slow", {}, { timeoutMs: 500 }), { toolCode: "TIMEOUT" });
    await bridge.clock.advance(2);
    assert.deepEqual(
      tool.calls.map(({ state }) => state),
      ["replied", "cancelled", "late"],
    );
  });

  test("is there again after a restart", async () => {
    await using bridge = testBridge();
    bridge.tools.fake("echo").reply((args) => args);
    const agent = await bridge.probe("agent");
    await bridge.restart();
    assert.deepEqual(await agent.callTool("echo", { a: 1 }, { idempotencyKey: "1" }), { a: 1 });
  });

  test("that was asked what it has no answer for fails the call and the test, and says what to add", async () => {
    const bridge = testBridge();
    bridge.tools.fake("search").reply(1, { when: { q: "a" } });
    const agent = await bridge.probe("agent");
    await assert.rejects(agent.callTool("search", { q: "b" }), /has no answer for \{"q":"b"\}; add \.reply/);
    assert.throws(() => bridge.tools.assertConsumed(), /has no answer for/);
    await bridge.close();
  });

  test("whose answers were not used fails the test when the bridge is closed", async () => {
    const bridge = testBridge();
    bridge.tools.fake("search").reply(1, { times: 2 });
    const agent = await bridge.probe("agent");
    await agent.callTool("search");
    await assert.rejects(bridge.close(), /fake tool search: reply\(1\) was to be used 2 times, and was 1 times/);
  });

  test("is missed when an agent calls a tool that nobody has", async () => {
    const bridge = testBridge();
    bridge.tools.fake("known").reply(1);
    const agent = await bridge.probe("agent");
    await assert.rejects(agent.callTool("unknown"), { toolCode: "NOT_FOUND" });
    await assert.rejects(
      bridge.close(),
      /agent called a tool that nobody has \(the fakes are known\); add bridge\.tools\.fake/,
    );
    await using lenient = testBridge({ onUnfaked: "ignore" });
    await assert.rejects((await lenient.probe("agent")).callTool("unknown"), { toolCode: "NOT_FOUND" });
  });
});
