import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { Agent } from "@loom-bridge/client";
import { type Runtime, systemRuntime } from "@loom-bridge/protocol";
import { AgentService, BridgeService, ErrorInfoSchema } from "@loom-bridge/protocol/messages";
import type { PrincipalInit } from "@loom-bridge/server";
import { openSession } from "../duplex-call.ts";
import { RawAgent } from "../raw-agent.ts";
import { all, createGuardedWorld } from "./guarded-world.ts";

const alice: PrincipalInit = { subject: "alice", agentIds: ["bot", "other"], grants: all };

const hourMs = 3_600_000;

/** The time of this process, except that an hour of it can be made to pass, for timers of about that time. */
function createMovableClock() {
  const callbacks: (() => void)[] = [];
  let aheadMs = 0;
  const runtime: Runtime = {
    ...systemRuntime,
    now: () => systemRuntime.now() + aheadMs,
    monotonic: () => systemRuntime.monotonic() + aheadMs,
    setTimer(callback, delayMs) {
      if (delayMs < hourMs / 2 || delayMs > hourMs) return systemRuntime.setTimer(callback, delayMs);
      callbacks.push(callback);
      return { cancel: () => void callbacks.splice(callbacks.indexOf(callback), 1) };
    },
  };
  return {
    runtime,
    advanceOneHour() {
      aheadMs += hourMs;
      for (const callback of callbacks.splice(0)) callback();
    },
  };
}

/** The code and the reason that a stream ended with. */
async function endOf(stream: Promise<unknown>): Promise<string> {
  try {
    await stream;
    return "it goes on";
  } catch (error) {
    const failure = ConnectError.from(error);
    const [info] = failure.findDetails(ErrorInfoSchema);
    return `${Code[failure.code]} ${info?.details["reason"]} ${info?.retryable}`;
  }
}

describe("credentials that expire", () => {
  test("end every kind of stream, so that its client can come back with others", async () => {
    const clock = createMovableClock();
    await using world = await createGuardedWorld(
      { k: { ...alice, expiresMs: Date.now() + hourMs } },
      { runtime: clock.runtime },
    );
    const transport = world.transport("k");
    const raw = await openSession(transport, { agentId: "bot" });
    const throughConnect = await openSession(world.transport("k", "connect"), { agentId: "other" });
    const events = createClient(BridgeService, transport)
      .subscribe({ filters: ["a"] })
      [Symbol.asyncIterator]();
    await events.next();
    const watch = createClient(AgentService, transport).watchAgents({})[Symbol.asyncIterator]();
    while ((await watch.next()).value?.change !== 2);
    clock.advanceOneHour();
    const expired = "Unauthenticated CREDENTIALS_EXPIRED true";
    const ends = await Promise.all([raw.hear(), throughConnect.hear(), events.next(), drain(watch)].map(endOf));
    assert.deepEqual(ends, [expired, expired, expired, expired]);
    assert.equal(
      await endOf(createClient(BridgeService, transport).getInfo({})),
      "Unauthenticated CREDENTIALS_EXPIRED false",
    );
  });

  test("are replaced by the client's function, and the agent goes on without missing an event", async () => {
    const clock = createMovableClock();
    let asked = 0;
    await using world = await createGuardedWorld(
      { boss: { subject: "boss", grants: all } },
      { runtime: clock.runtime },
    );
    const token = (): string => {
      asked += 1;
      world.principals.set(`t${asked}`, { ...alice, expiresMs: clock.runtime.now() + hourMs });
      return `t${asked}`;
    };
    const heard: string[] = [];
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const agent = new Agent({
      id: "bot",
      client: { address: world.server.address, token },
      topics: ["news"],
      onEvent(_, { id }) {
        heard.push(id);
        if (id === "last") resolve();
      },
    });
    await agent.start();
    const publisher = createClient(BridgeService, world.transport("boss"));
    const publish = async (ids: readonly string[]): Promise<void> => {
      for (const id of ids) await publisher.publish({ topic: "news", event: { id } });
    };
    await publish(["1", "2", "3"]);
    clock.advanceOneHour();
    await publish(["4", "5", "last"]);
    await done;
    assert.equal(asked, 2);
    assert.deepEqual(heard, ["1", "2", "3", "4", "5", "last"]);
    await agent.stop();
  });

  test("and cannot be replaced end the agent, with the reason", async () => {
    const clock = createMovableClock();
    await using world = await createGuardedWorld({}, { runtime: clock.runtime });
    for (const token of ["k", () => "k"]) {
      world.principals.set("k", { ...alice, expiresMs: clock.runtime.now() + hourMs });
      const agent = new Agent({ id: "bot", client: { address: world.server.address, token } });
      await agent.start();
      clock.advanceOneHour();
      await assert.rejects(agent.closed, { code: "unauthenticated" });
    }
  });
});

describe("after a reload", () => {
  test("a revoked agent is gone, one with other rights to publish goes on with them, and a third notices nothing", async () => {
    await using world = await createGuardedWorld({
      a: { subject: "a", agentIds: ["a"] },
      b: { subject: "b", agentIds: ["b"] },
      c: { subject: "c", agentIds: ["c"] },
    });
    const [a, b, c] = await Promise.all(
      ["a", "b", "c"].map((name) => RawAgent.open(world.transport(name), { agentId: name })),
    );
    assert.equal((await b?.publish("news"))?.error?.code, "permission_denied");
    world.principals.delete("a");
    world.principals.set("b", { subject: "b", agentIds: ["b"], grants: { topics: { publish: ["news"] } } });
    const outcome = await world.server.reload();
    assert.deepEqual(outcome, { unchanged: 1, changed: 1, ended: 1, unknown: 0 });
    assert.equal(await endOf(a?.settled() ?? Promise.resolve()), "Unauthenticated CREDENTIALS_REVOKED true");
    assert.equal((await b?.publish("news"))?.error, undefined);
    await c?.settled();
    await Promise.all([b, c].map(async (agent) => await agent?.leave()));
  });

  test("an agent that may hear less comes back by itself and hears less, also of what was queued", async () => {
    const hears = (allow: string[]): PrincipalInit => ({
      subject: "bot",
      agentIds: ["bot"],
      grants: { topics: { subscribe: { allow: ["news.**"], deny: allow } } },
    });
    await using world = await createGuardedWorld({ boss: { subject: "boss", grants: all }, bot: hears([]) });
    const heard: string[] = [];
    let arrived = (): void => {};
    const agent = await world.agent("bot", {
      id: "bot",
      topics: ["news.**"],
      onEvent(_, { topic }) {
        heard.push(topic);
        arrived();
      },
    });
    const until = async (topic: string): Promise<void> => {
      while (!heard.includes(topic)) await new Promise<void>((resolve) => (arrived = resolve));
    };
    const publisher = createClient(BridgeService, world.transport("boss"));
    const publish = (topic: string) => publisher.publish({ topic, event: { type: "t" } });
    await publish("news.secret.1");
    await until("news.secret.1");
    world.principals.set("bot", hears(["news.secret.**"]));
    const reloaded = world.server.reload();
    await publish("news.secret.2");
    await reloaded;
    await publish("news.secret.3");
    await publish("news.open");
    await until("news.open");
    assert.ok(!heard.includes("news.secret.3"));
    assert.equal(agent.status.state, "online");
    await agent.stop();
  });
});

async function drain(iterator: AsyncIterator<unknown>): Promise<void> {
  while (!(await iterator.next()).done);
}
