import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { defineTool } from "@loom-bridge/client";
import { systemRuntime } from "@loom-bridge/protocol";
import { ActionService, AgentService, BridgeService, MemoryService } from "@loom-bridge/protocol/messages";
import { createSqliteStore, type PrincipalInit } from "@loom-bridge/server";
import { z } from "zod";
import { RawAgent } from "../raw-agent.ts";
import { all, createGuardedWorld } from "./guarded-world.ts";

const of = (tenant: string, subject = "bot"): PrincipalInit => ({ subject, tenant, agentIds: ["*"], grants: all });

test("what one tenant does is not there for another, whatever its grants: topics, agents, tools, memory, journal, numbers", async () => {
  await using world = await createGuardedWorld({ a: of("acme"), b: of("bolt"), none: of("") });
  const tool = defineTool({ name: "own:tool", description: "", input: z.object({}), run: () => "acme" });
  const agent = await world.agent("a", { id: "bot", topics: ["news"], tools: [tool] });
  await using wiretap = await RawAgent.open(world.transport("b"), {
    agentId: "tap",
    topics: ["**", "agent.bot.replies"],
  });
  const ofA = world.transport("a");
  const receipt = await createClient(BridgeService, ofA).publish({ topic: "news", event: { id: "secret" } });
  assert.equal(receipt.matched, 1);
  await createClient(MemoryService, ofA).savePlan({
    sessionId: "s",
    plan: { symbol: "BTC", action: "BUY", planHash: "h" },
  });
  const call = { id: "c", name: "own:tool", idempotencyKey: "k" };
  assert.equal((await createClient(ActionService, ofA).forwardToolCall(call)).output, '"acme"');

  for (const token of ["b", "none"]) {
    const transport = world.transport(token);
    const bridge = createClient(BridgeService, transport);
    const agents = (await createClient(AgentService, transport).listAgents({})).agents.map(({ agentId }) => agentId);
    assert.ok(!agents.includes("bot"));
    assert.deepEqual((await createClient(ActionService, transport).listTools({})).tools, []);
    const missed = await createClient(ActionService, transport).forwardToolCall(call);
    assert.equal(missed.error?.code, "NOT_FOUND");
    assert.deepEqual((await createClient(MemoryService, transport).getRecentPlans({ sessionId: "s" })).plans, []);
    assert.deepEqual((await bridge.explain({ id: "secret" })).entries, []);
    assert.deepEqual((await bridge.getStats({ filter: "news" })).topics, []);
    assert.equal((await bridge.publish({ topic: "news", event: { type: "t" } })).matched, token === "b" ? 1 : 0);
  }
  assert.equal((await wiretap.batch()).events.length, 1, "its own publish alone");
  assert.equal(await wiretap.hasNone("eventBatch"), true);

  // The same id is another agent there, and takes over nobody.
  await using other = await RawAgent.open(world.transport("b"), { agentId: "bot" });
  assert.equal(other.ack.success, true);
  assert.equal(agent.status.state, "online");
  await agent.stop();
});

test("tenants are opened as they come, and no more than allowed", async () => {
  await using world = await createGuardedWorld(
    { a: of("a"), b: of("b"), c: of("c"), none: of("") },
    { tenants: { max: 2 } },
  );
  const info = (token: string) => createClient(BridgeService, world.transport(token)).getInfo({});
  await Promise.all([info("a"), info("a"), info("b")]);
  await assert.rejects(info("c"), { code: Code.ResourceExhausted, rawMessage: /2 tenants are open/ });
  await Promise.all([info("a"), info("none")]);
});

test("a tenant's memory is in a file of its own, and outlives the bridge", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "loom-bridge-tenants-"));
  t.after(() => rm(folder, { recursive: true }));
  const tenants = {
    openStores: async (tenant: string) => ({
      store: await createSqliteStore({ path: join(folder, `${tenant}.db`), runtime: systemRuntime }),
    }),
  };
  const plan = { symbol: "BTC", action: "BUY", planHash: "h" };
  {
    await using world = await createGuardedWorld({ a: of("acme"), b: of("bolt") }, { tenants });
    await createClient(MemoryService, world.transport("a")).savePlan({ sessionId: "s", plan });
    await createClient(MemoryService, world.transport("b")).getRecentPlans({ sessionId: "s" });
  }
  assert.deepEqual((await readdir(folder)).filter((name) => name.endsWith(".db")).sort(), ["acme.db", "bolt.db"]);
  await using world = await createGuardedWorld({ a: of("acme"), b: of("bolt") }, { tenants });
  const plansOf = async (token: string): Promise<string[]> => {
    const { plans } = await createClient(MemoryService, world.transport(token)).getRecentPlans({ sessionId: "s" });
    return plans.map(({ planHash }) => planHash);
  };
  assert.deepEqual([await plansOf("a"), await plansOf("b")], [["h"], []]);
});
