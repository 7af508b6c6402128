import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { defineTool } from "@loom-bridge/client";
import {
  ActionService,
  AdminService,
  AgentChange,
  AgentService,
  BridgeService,
  Delivered,
  MemoryService,
  SettlementSchema,
  SubscriptionSchema,
  Verdict,
} from "@loom-bridge/protocol/messages";
import type { GrantsInit, PrincipalInit } from "@loom-bridge/server";
import { z } from "zod";
import { openSession } from "../duplex-call.ts";
import { RawAgent } from "../raw-agent.ts";
import { all, createGuardedWorld, type GuardedWorld } from "./guarded-world.ts";

/** What the one who is tested may do: a little of everything. */
const little: GrantsInit = {
  topics: { publish: ["own.**"], subscribe: { allow: ["own.**"], deny: ["own.secret.**"] } },
  tools: { call: ["own:*"], provide: ["own:*"] },
  memory: { read: ["{{agent}}/*", "shared"], write: ["{{agent}}/*"] },
};
const principals: Record<string, PrincipalInit> = {
  boss: { subject: "boss", agentIds: ["*"], grants: all },
  own: { subject: "own", agentIds: ["own"], grants: little },
};

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "ok";
  } catch (error) {
    return Code[ConnectError.from(error).code];
  }
}

/** How a refusal reads, without what was asked for. */
async function refusalOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "it was allowed";
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    return `${Code[code]}: ${rawMessage.replace(/"[^"]*"/, "…")}`;
  }
}

function servicesOf(transport: Transport) {
  return {
    bridge: createClient(BridgeService, transport),
    action: createClient(ActionService, transport),
    agents: createClient(AgentService, transport),
    memory: createClient(MemoryService, transport),
    admin: createClient(AdminService, transport),
  };
}

async function startBoss(world: GuardedWorld) {
  const tools = ["own:echo", "other:secret"].map((name) =>
    defineTool({ name, description: "", input: z.object({}), run: () => name }),
  );
  return await world.agent("boss", { id: "boss", topics: ["**"], tools });
}

describe("publishing", () => {
  for (const wire of ["grpc", "connect"] as const) {
    test(`on a stream over ${wire}, one by one and in batches, and without one, is refused where no grant allows it`, async () => {
      await using world = await createGuardedWorld(principals);
      await using hearer = await RawAgent.open(world.transport("boss"), { agentId: "hearer", topics: ["**"] });
      await using agent = await RawAgent.open(world.transport("own", wire), { agentId: "own" });
      const { bridge } = servicesOf(world.transport("own", wire));
      for (const topic of ["other", "own", "agent.boss.replies", "$sys.agents.own.online", "$dlq.own.a"]) {
        assert.equal((await agent.publish(topic)).error?.code, "permission_denied", topic);
        assert.equal(await codeOf(bridge.publish({ topic, event: { type: "t" } })), "PermissionDenied", topic);
      }
      assert.equal((await agent.publish("own.a", { id: "e1" })).matched, 1);
      assert.equal((await bridge.publish({ topic: "own.b", event: { id: "e2" } })).matched, 1);
      assert.deepEqual(await hearer.ids(2), ["e1", "e2"]);
      // Without a receipt there is no other way to tell.
      await using plain = await openSession(world.transport("own", wire), { agentId: "own" });
      plain.say({ case: "publish", value: { topic: "other", event: {} } });
      assert.equal(await codeOf(plain.hear()), "PermissionDenied");
    });
  }
});

describe("subscribing", () => {
  test("is refused beyond the grants, at Register, later and without a session, and says the same of everything", async () => {
    await using world = await createGuardedWorld(principals);
    const transport = world.transport("own");
    const { bridge } = servicesOf(transport);
    await using agent = await RawAgent.open(transport, { agentId: "own", topics: ["own.a"] });
    const refused = ["**", "*", "other.a", "own.secret.**", "own.secret.a", "$sys.**", "$dlq.**", "agent.boss.replies"];
    for (const filter of refused) {
      assert.equal(
        await codeOf(RawAgent.open(transport, { agentId: "own", topics: ["own.b", filter] })),
        "PermissionDenied",
      );
      const ack = await agent.subscribe({ id: 7, filters: [filter] });
      assert.equal(ack.active, false, filter);
      assert.match(ack.errorMessage, /may not subscribe to/);
      const events = bridge.subscribe({ filters: [filter] })[Symbol.asyncIterator]();
      assert.equal(await codeOf(events.next()), "PermissionDenied", filter);
    }
    assert.equal(await agent.hasNone("eventBatch"), true);
  });

  test("to a pattern with a deny inside delivers the rest alone, live, from the log and as dead letters", async () => {
    await using world = await createGuardedWorld(principals);
    const { bridge } = servicesOf(world.transport("boss"));
    const publish = (topic: string, id: string) => bridge.publish({ topic, event: { id } });
    await publish("own.secret.a", "old-secret");
    await publish("own.a", "old");
    const start = { position: { case: "afterOffset", value: 0n } } as const;
    await using agent = await RawAgent.open(world.transport("own"), {
      agentId: "own",
      subscriptions: [
        create(SubscriptionSchema, { id: 1, filters: ["own.**"], start }),
        create(SubscriptionSchema, { id: 2, filters: ["$dlq.own.**"] }),
      ],
    });
    const viaRpc = servicesOf(world.transport("own"))
      .bridge.subscribe({ filters: ["own.**"] })
      [Symbol.asyncIterator]();
    await viaRpc.next();
    await publish("own.secret.b", "new-secret");
    const receipt = await publish("own.b", "new");
    assert.equal(receipt.matched, 2);
    assert.deepEqual(await agent.ids(2), ["old", "new"]);
    const heard = (await viaRpc.next()).value?.delivery;
    assert.equal(heard?.case === "event" && heard.value.event?.id, "new");

    await using clumsy = await RawAgent.open(world.transport("boss"), {
      agentId: "clumsy",
      subscriptions: [{ id: 1, filters: ["own.**"], window: 8, delivered: Delivered.AT_LEAST_ONCE }],
    });
    await publish("own.secret.c", "dead-secret");
    await publish("own.c", "dead");
    for (let settled = 0; settled < 2; ) {
      const { firstSequence, events } = await clumsy.batch();
      settled += events.length;
      const refused = { verdict: Verdict.TERMINATE, reason: "no" };
      clumsy.settle(
        1,
        ...events.map((_, n) => create(SettlementSchema, { sequence: firstSequence + BigInt(n), ...refused })),
      );
    }
    assert.deepEqual(await agent.ids(2), ["dead", "dead"], "itself, and its letter");
    assert.equal(await agent.hasNone("eventBatch"), true);
  });

  test("an agent hears its own replies without a grant, and may answer who sent it an event", async () => {
    await using world = await createGuardedWorld({
      ...principals,
      asker: { subject: "asker", agentIds: ["asker"], grants: { topics: { publish: ["own.*"] } } },
    });
    await world.agent("own", { id: "own", topics: ["own.*"], onEvent: (context) => context.reply("yes") });
    const asker = await world.agent("asker", { id: "asker" });
    assert.equal((await asker.request("own.question", "?")).text(), "yes");
  });
});

describe("tools", () => {
  test("that may not be called are not listed, and a call says the same whether they exist or not", async () => {
    await using world = await createGuardedWorld(principals);
    await startBoss(world);
    const transport = world.transport("own");
    const { action } = servicesOf(transport);
    assert.deepEqual(
      (await action.listTools({})).tools.map(({ name }) => name),
      ["own:echo"],
    );
    const call = (name: string) => action.forwardToolCall({ id: "", name });
    const refusal = await refusalOf(call("other:secret"));
    assert.match(refusal, /^PermissionDenied: these credentials may not call tool …/);
    assert.equal(await refusalOf(call("other:nothing")), refusal);
    assert.equal((await call("own:echo")).output, '"own:echo"');
    assert.equal((await call("own:nothing")).error?.code, "NOT_FOUND");
    const agent = await world.agent("own", { id: "own" });
    await assert.rejects(agent.callTool("other:secret"), { code: "permission_denied" });
    assert.equal(await agent.callTool("own:echo"), "own:echo");
  });

  test("are provided under the names that are granted only", async () => {
    await using world = await createGuardedWorld(principals);
    const provide = (name: string) => RawAgent.open(world.transport("own"), { agentId: "own", tools: [{ name }] });
    assert.equal(await codeOf(provide("web:fetch")), "PermissionDenied");
    await using agent = await provide("own:tool");
    assert.equal(agent.ack.success, true);
  });

  test("give the results of call ids and idempotency keys to their own principal alone", async () => {
    const same = { agentIds: ["*"], grants: all };
    await using world = await createGuardedWorld({
      ...principals,
      a: { subject: "a", ...same },
      b: { subject: "b", ...same },
    });
    let runs = 0;
    const tool = defineTool({ name: "count", description: "", input: z.object({}), run: () => (runs += 1) });
    await world.agent("boss", { id: "boss", tools: [tool] });
    const call = async (token: string, about: { id?: string; idempotencyKey?: string }): Promise<string> =>
      (await servicesOf(world.transport(token)).action.forwardToolCall({ id: "", name: "count", ...about })).output;
    for (const about of [{ id: "c1" }, { idempotencyKey: "k1" }]) {
      const first = await call("a", about);
      assert.equal(await call("a", about), first);
      assert.notEqual(await call("b", about), first);
    }
    assert.equal(runs, 4);
  });

  test("are answered by the session that was called alone", async () => {
    await using world = await createGuardedWorld(principals);
    await using provider = await openSession(world.transport("boss"), {
      agentId: "provider",
      tools: [{ name: "own:x" }],
    });
    await using thief = await openSession(world.transport("own"), { agentId: "own" });
    const answer = servicesOf(world.transport("own")).action.forwardToolCall({ id: "1", name: "own:x" });
    const request = await provider.hear();
    assert.equal(request?.delivery.case, "toolRequest");
    const ref = request?.delivery.case === "toolRequest" ? request.delivery.value.ref : 0;
    const respond = (output: string) => ({ case: "toolResponse", value: { ref, result: { output } } }) as const;
    thief.say(respond('"stolen"'));
    thief.say({ case: "heartbeat", value: { timestampMs: 1n } });
    provider.say(respond('"mine"'));
    provider.say(respond('"again"'));
    assert.equal((await answer).output, '"mine"');
  });
});

describe("memory", () => {
  test("of a session is read and written by who may, for the agent that the call is made for, and others learn nothing", async () => {
    await using world = await createGuardedWorld(principals);
    const boss = servicesOf(world.transport("boss")).memory;
    const own = servicesOf(world.transport("own")).memory;
    const plan = { symbol: "BTC", action: "BUY", planHash: "h", timestampMs: 1_000_000n };
    for (const sessionId of ["own/1", "boss/1", "shared"]) await boss.savePlan({ sessionId, plan });
    const attempts = (sessionId: string): Record<string, Promise<unknown>> => ({
      savePlan: own.savePlan({ sessionId, plan }),
      checkDuplicate: own.checkDuplicate({ sessionId, plan }),
      getRecentPlans: own.getRecentPlans({ sessionId }),
      markExecuted: own.markExecuted({ sessionId, planHash: "h", execution: { status: "failed" } }),
      claimExecution: own.claimExecution({ sessionId, planHash: "h", holder: "me" }),
      releaseExecution: own.releaseExecution({ sessionId, planHash: "h", fencingToken: 1n }),
      checkExecuted: own.checkExecuted({ sessionId, planHash: "h" }),
      getExecutionStats: own.getExecutionStats({ sessionId }),
    });
    const codesOf = async (sessionId: string): Promise<Record<string, string>> => {
      const codes = Object.entries(attempts(sessionId)).map(
        async ([name, call]) => [name, await codeOf(call)] as const,
      );
      return Object.fromEntries(await Promise.all(codes));
    };
    const reads = ["checkDuplicate", "getRecentPlans", "checkExecuted", "getExecutionStats"];
    for (const [name, code] of Object.entries(await codesOf("own/1"))) assert.equal(code, "ok", name);
    for (const [name, code] of Object.entries(await codesOf("shared"))) {
      assert.equal(code, reads.includes(name) ? "ok" : "PermissionDenied", name);
    }
    for (const code of Object.values(await codesOf("boss/1"))) assert.equal(code, "PermissionDenied");
    const refusals = ["boss/1", "boss/nothing"].map((sessionId) => refusalOf(own.getRecentPlans({ sessionId })));
    const [there, notThere] = await Promise.all(refusals);
    assert.equal(there, notThere);
  });

  test("that may be written and not read tells nothing of what others wrote", async () => {
    const grants = { memory: { write: ["s"] } };
    await using world = await createGuardedWorld({ ...principals, blind: { subject: "blind", grants } });
    const plan = { symbol: "BTC", action: "BUY", reasoning: "secret", timestampMs: 1_000_000n };
    const boss = servicesOf(world.transport("boss")).memory;
    const { planHash } = await boss.savePlan({ sessionId: "s", plan });
    await boss.markExecuted({
      sessionId: "s",
      planHash,
      execution: { status: "executed", executed: true, errorMessage: "secret" },
    });
    const blind = servicesOf(world.transport("blind")).memory;
    const again = { ...plan, reasoning: "" };
    const saved = await blind.savePlan({ sessionId: "s", plan: again, onlyIfNew: true });
    const marked = await blind.markExecuted({ sessionId: "s", planHash });
    const claimed = await blind.claimExecution({ sessionId: "s", planHash, holder: "me" });
    assert.deepEqual([saved.success, marked.alreadyExecuted, claimed.claimed], [false, true, false]);
    const told = JSON.stringify([saved, marked, claimed], (_, value) =>
      typeof value === "bigint" ? Number(value) : value,
    );
    assert.doesNotMatch(told, /secret/);
  });
});

describe("the directory, presence, statistics, the journal and administration", () => {
  test("show what one may see, and of others only what concerns oneself", async () => {
    const peers = { agents: { as: ["own"], see: ["own", "friend"] }, ...little };
    await using world = await createGuardedWorld({ ...principals, own: { subject: "own", grants: peers } });
    await startBoss(world);
    await world.agent("boss", { id: "friend", topics: ["own.a", "other.**"] });
    await using _agent = await RawAgent.open(world.transport("own"), { agentId: "own" });
    const { agents, bridge, admin } = servicesOf(world.transport("own"));
    const listed = (await agents.listAgents({})).agents;
    assert.deepEqual(
      listed.map(({ agentId }) => agentId),
      ["friend", "own"],
    );
    const filters = listed[0]?.subscriptions.flatMap((subscription) => subscription.filters) ?? [];
    assert.ok(!filters.includes("other.**") && !filters.includes("agent.friend.replies"));
    assert.deepEqual((await agents.listAgents({ tool: "other:secret" })).agents, []);
    assert.equal(await codeOf(agents.listAgents({ topic: "other.a" })), "PermissionDenied");
    const watched: string[] = [];
    for await (const { change, agent } of agents.watchAgents({})) {
      if (change === AgentChange.COMPLETE) break;
      watched.push(agent?.agentId ?? "");
    }
    assert.deepEqual(watched.sort(), ["friend", "own"]);

    const all = servicesOf(world.transport("boss"));
    await all.bridge.publish({ topic: "other", event: { id: "theirs" } }, { headers: { "loom-agent-id": "boss" } });
    await bridge.publish({ topic: "own.a", event: { id: "mine" } });
    assert.deepEqual((await bridge.explain({ id: "theirs" })).entries, []);
    const mine = (await bridge.explain({ id: "mine" })).entries;
    assert.ok(mine.length > 0 && mine.every(({ agentId }) => agentId === "own"));
    assert.ok((await all.bridge.explain({ id: "theirs" })).entries.length > 0);
    const stats = await bridge.getStats({ withSubscriptions: true });
    assert.deepEqual([stats.topics.map(({ topic }) => topic), stats.total?.published], [["own.a"], 1n]);
    assert.deepEqual(
      stats.subscriptions.filter(({ agentId }) => agentId !== "own"),
      [],
    );
    const info = await bridge.getInfo({});
    assert.deepEqual([info.agents, info.tools], [2, 1]);

    assert.equal(await codeOf(admin.reload({})), "PermissionDenied");
    assert.equal((await admin.whoAmI({})).subject, "own");
    assert.equal(await codeOf(all.admin.reload({})), "ok");
    assert.ok(world.audit.some(({ message, act }) => message === "audit: administered" && act === "reload"));
    assert.ok(
      world.audit.some(
        ({ message, act, subject }) => message === "audit: denied" && act === "admin" && subject === "own",
      ),
    );
  });

  test("tell of comings and goings what one may see, to who may hear of them", async () => {
    const grants = { agents: { as: ["own"], see: ["friend"] }, topics: { subscribe: ["$sys.agents.**"] } };
    await using world = await createGuardedWorld({ ...principals, own: { subject: "own", grants } });
    await using watcher = await RawAgent.open(world.transport("own"), { agentId: "own", topics: ["$sys.agents.**"] });
    for (const agentId of ["stranger", "friend"]) {
      await (await RawAgent.open(world.transport("boss"), { agentId })).leave();
    }
    const topics: string[] = [];
    while (topics.length < 2) topics.push(...(await watcher.batch()).events.map(({ topic }) => topic));
    assert.deepEqual(topics, ["$sys.agents.friend.online", "$sys.agents.friend.offline"]);
    assert.equal(await watcher.hasNone("eventBatch"), true);
  });
});
