import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { defineTool } from "@loom-bridge/client";
import { Delivered, SettlementSchema, SubscriptionSchema, Verdict } from "@loom-bridge/protocol/messages";
import { z } from "zod";
import { openSession } from "../duplex-call.ts";
import { RawAgent } from "../raw-agent.ts";
import { all, createGuardedWorld } from "./guarded-world.ts";
import { codeOf, principals, refusalOf, servicesOf, startBoss } from "./little-world.ts";

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
