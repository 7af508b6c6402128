import assert from "node:assert/strict";
import { test } from "node:test";
import { LoomError } from "@loom-bridge/protocol";
import { createInMemoryEventLog } from "../../stores/log/in-memory-event-log.ts";
import { Access } from "../access/access.ts";
import type { Holder } from "../access/gatekeeper.ts";
import { completeGrants, type Grants } from "../access/grants.ts";
import { anybody, type Principal } from "../access/principal.ts";
import type { BusEvent } from "../bus/bus-event.ts";
import { EventBus } from "../bus/event-bus.ts";
import { silentLogger } from "../logger.ts";
import { createManualRuntime } from "../manual-runtime.ts";
import type { Registration } from "./registration.ts";
import type { Session } from "./session.ts";
import { SessionRegistry } from "./session-registry.ts";
import { defaultSessionSettings } from "./session-settings.ts";

const allow = (...patterns: string[]) => ({ allow: patterns, deny: [] });

function principal(subject: string, grants: Partial<Grants>, limits = { agents: 100 }): Principal {
  return { ...anybody, subject, limits, grants: completeGrants({ "agents.as": allow("*"), ...grants }) };
}

function createWorld() {
  const runtime = createManualRuntime();
  const bus = new EventBus({ runtime, stallTimeoutMs: 1000, log: createInMemoryEventLog({ runtime }) });
  const held = new Map<Access, Holder>();
  const sessions = new SessionRegistry({
    bus,
    runtime,
    logger: silentLogger,
    settings: defaultSessionSettings,
    gatekeeper: {
      hold(access, holder) {
        held.set(access, holder);
        return () => void held.delete(access);
      },
    },
    tools: { register: () => ({ remove() {} }), call: () => assert.fail("nobody calls") },
  });
  const open = (agentId: string, who: Principal, registration: Partial<Registration> = {}): Session =>
    sessions.open(
      { agentId, topics: [], subscriptions: [], tools: [], metadata: {}, ...registration },
      new Access(who),
    );
  return { runtime, bus, sessions, open, held };
}

const event = (topic: string, sender = "", key = ""): BusEvent => ({
  topic,
  id: "",
  type: "t",
  sender,
  body: new Uint8Array(),
  key,
});
const heardBy = (session: Session): string[] =>
  session.takeEvents().flatMap(({ events }) => events.map((e) => e.topic));
const endOf = (session: Session): LoomError | undefined => session.ended?.error;
const isDenied = (error: unknown): boolean => LoomError.isInstance(error) && error.code === "permission_denied";
const messageOf = (attempt: () => unknown): string => {
  try {
    attempt();
  } catch (error) {
    return String(error);
  }
  return assert.fail("it was allowed");
};

test("an agent that another principal has connected cannot be taken over, and goes on", () => {
  const { open, sessions } = createWorld();
  const first = open("bot", principal("alice", {}));
  assert.throws(() => open("bot", principal("bob", {})), isDenied);
  assert.equal(endOf(first), undefined);
  assert.equal(sessions.get("bot"), first);
  const newer = open("bot", principal("alice", {}));
  assert.equal(endOf(first)?.code, "aborted");
  assert.equal(sessions.get("bot"), newer);
});

test("to be refused an agent says the same whether it is connected, or not allowed at all", () => {
  const { open } = createWorld();
  open("bot", principal("alice", {}));
  const taken = messageOf(() => open("bot", principal("bob", {})));
  const notAllowed = messageOf(() => open("bot", principal("bob", { "agents.as": allow("other") })));
  assert.equal(taken, notAllowed);
});

test("a principal has as many agents as it may; one that comes again is none more", () => {
  const { open } = createWorld();
  const alice = principal("alice", {}, { agents: 2 });
  open("a", alice);
  open("b", alice);
  assert.throws(() => open("c", alice), { code: "resource_exhausted" });
  open("b", alice);
  open("c", principal("bob", {}, { agents: 2 }));
});

test("a registration with one topic or one tool too many is refused whole", () => {
  const { open, sessions, bus } = createWorld();
  const who = principal("alice", { "topics.subscribe": allow("a.**"), "tools.provide": allow("own:*") });
  const tool = (name: string) => ({ name, description: "", parametersSchema: "", metadata: {} });
  assert.throws(() => open("bot", who, { topics: ["a.b", "c"] }), isDenied);
  assert.throws(() => open("bot", who, { topics: ["a.b"], tools: [tool("own:x"), tool("web:x")] }), isDenied);
  assert.deepEqual(sessions.list(), []);
  assert.equal(bus.isEmpty, true);
  open("bot", who, { topics: ["a.b", "agent.bot.replies"], tools: [tool("own:x")] });
});

test("nothing that is denied is delivered, live or from the log, and nobody waits for it", async () => {
  const { open, bus } = createWorld();
  const who = principal("alice", { "topics.subscribe": { allow: ["orders.**"], deny: ["orders.secret.**"] } });
  const session = open("bot", who, { topics: ["orders.**"] });
  for (const topic of ["orders.a", "orders.secret.a", "orders.b"]) await bus.publish(event(topic));
  assert.deepEqual(heardBy(session), ["orders.a", "orders.b"]);
  assert.equal((await bus.publish(event("orders.secret.a"))).matched, 0);
  assert.deepEqual([...bus.subscribersOf("orders.secret.a"), ...bus.subscribersOf("orders.a")], ["bot"]);
  const past = { kind: "after" as const, offset: 0, logId: "" };
  const request = {
    id: 1,
    filters: ["orders.**"],
    eventTypes: [],
    quality: "batched" as const,
    window: 0,
    start: past,
  };
  assert.deepEqual(heardBy(open("late", who, { subscriptions: [request] })), ["orders.a", "orders.b"]);
});

test("a group is joined only by who may hear everything that it hears", () => {
  const { open } = createWorld();
  const request = { id: 1, filters: ["orders.**"], eventTypes: [], quality: "batched" as const, window: 1, group: "g" };
  const some = principal("alice", { "topics.subscribe": { allow: ["orders.**"], deny: ["orders.secret.**"] } });
  assert.throws(() => open("bot", some, { subscriptions: [request] }), isDenied);
  open("bot", principal("bob", { "topics.subscribe": allow("orders.**") }), { subscriptions: [request] });
});

test("a publish that is not allowed is answered so and reaches nobody; those around it do", () => {
  const { open } = createWorld();
  const boss = open("boss", principal("boss", { "topics.subscribe": allow("**") }), { topics: ["**"] });
  const session = open("bot", principal("alice", { "topics.publish": allow("a.*") }));
  for (const [ref, topic] of ["a.1", "b.1", "a.2"].entries()) session.publish(ref + 1, [event(topic, "bot")]);
  const receipts = session.takeControl().flatMap((frame) => (frame.kind === "receipts" ? frame.receipts : []));
  assert.deepEqual(
    receipts.map(({ ref, error }) => [ref, error?.code]),
    [
      [1, undefined],
      [2, "permission_denied"],
      [3, undefined],
    ],
  );
  assert.deepEqual(heardBy(boss), ["a.1", "a.2"]);
});

test("whoever was sent an event may answer its sender, for ten minutes, and nobody else", async () => {
  const { open, bus, runtime } = createWorld();
  const asker = open("asker", principal("asker", { "topics.publish": allow("ask.*") }), {
    topics: ["agent.asker.replies"],
  });
  const session = open("bot", principal("alice", { "topics.subscribe": allow("ask.*") }), { topics: ["ask.*"] });
  const answer = (topic: string): string | undefined => {
    session.publish(1, [event(topic, "bot")]);
    const [frame] = session.takeControl();
    return frame?.kind === "receipts" ? frame.receipts[0]?.error?.code : undefined;
  };
  assert.equal(answer("agent.asker.replies"), "permission_denied");
  await bus.publish(event("ask.time", "asker"));
  assert.deepEqual(heardBy(session), ["ask.time"]);
  assert.equal(answer("agent.asker.replies"), undefined);
  assert.equal(answer("agent.other.replies"), "permission_denied");
  assert.deepEqual(heardBy(asker), ["agent.asker.replies"]);
  for (let minute = 0; minute <= 10; minute += 1) {
    runtime.advance(60_000);
    session.heard();
  }
  assert.equal(answer("agent.asker.replies"), "permission_denied");
});

test("other rights to publish count at once; other rights to hear end the session, to come back under them", () => {
  const { open, held } = createWorld();
  const session = open("bot", principal("alice", { "topics.subscribe": allow("a") }), { topics: ["a"] });
  const [[access, holder] = []] = [...held];
  const change = (grants: Partial<Grants>): void => {
    const before = access?.principal as Principal;
    access?.renew(principal("alice", grants));
    holder?.changed?.(before);
  };
  change({ "topics.subscribe": allow("a"), "topics.publish": allow("b") });
  assert.equal(endOf(session), undefined);
  session.publish(1, [event("b", "bot")]);
  assert.deepEqual(
    session.takeControl().map((frame) => frame.kind === "receipts" && frame.receipts[0]?.error),
    [undefined],
  );
  change({ "topics.publish": allow("b") });
  assert.deepEqual([endOf(session)?.code, endOf(session)?.retryable], ["unavailable", true]);
  assert.equal(held.size, 0);
});

test("a session that was superseded is not watched over any more", () => {
  const { open, held, sessions } = createWorld();
  for (let n = 0; n < 3; n += 1) open("bot", principal("alice", {}));
  assert.equal(held.size, 1);
  sessions.close("the end");
  assert.equal(held.size, 0);
});
