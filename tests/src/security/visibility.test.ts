import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AgentChange } from "@loom-bridge/protocol/messages";
import { RawAgent } from "../raw-agent.ts";
import { createGuardedWorld } from "./guarded-world.ts";
import { codeOf, little, principals, servicesOf, startBoss } from "./little-world.ts";

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
