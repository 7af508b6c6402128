import assert from "node:assert/strict";
import { test } from "node:test";
import { anyone, noGate } from "../access/anyone.test-helper.ts";
import { EventBus } from "../bus/event-bus.ts";
import { silentLogger } from "../logger.ts";
import { createManualRuntime } from "../manual-runtime.ts";
import { createPresence, type PresenceEvent } from "./presence.ts";
import type { Session } from "./session.ts";
import { SessionRegistry } from "./session-registry.ts";
import { defaultSessionSettings } from "./session-settings.ts";

function createWorld() {
  const runtime = createManualRuntime();
  const events: PresenceEvent[] = [];
  const presence = createPresence((event) => events.push(event));
  const sessions = new SessionRegistry({
    bus: new EventBus({ runtime, stallTimeoutMs: 1000 }),
    runtime,
    logger: silentLogger,
    settings: { ...defaultSessionSettings, heartbeatIntervalMs: 1000 },
    tools: { register: () => ({ remove() {} }), call: () => assert.fail("nobody calls") },
    gatekeeper: noGate,
    onChange: presence.changed,
  });
  const open = (agentId: string, toolNames: readonly string[] = []): Session => {
    const tools = toolNames.map((name) => ({ name, description: "", parametersSchema: "", metadata: {} }));
    return sessions.open({ agentId, topics: [], subscriptions: [], tools, metadata: {} }, anyone);
  };
  const told = (): [string, number][] => events.map(({ topic, payload }) => [topic, payload.epoch]);
  return { runtime, presence, sessions, open, events, told };
}

test("an agent is announced when it comes and once when it goes", () => {
  const { open, events } = createWorld();
  const session = open("planner", ["plan:make"]);
  session.end(undefined);
  session.end(undefined);
  const about = { agent_id: "planner", session_id: session.sessionId, epoch: session.epoch, tools: ["plan:make"] };
  assert.deepEqual(events, [
    { topic: "$sys.agents.planner.online", type: "agent.online", payload: { ...about, reason: "connected" } },
    { topic: "$sys.agents.planner.offline", type: "agent.offline", payload: { ...about, reason: "it left" } },
  ]);
});

test("a take-over is one more online with the newer epoch, and no offline", () => {
  const { open, told } = createWorld();
  const older = open("planner");
  const newer = open("planner");
  older.end(undefined);
  const topic = "$sys.agents.planner.online";
  assert.deepEqual(told(), [
    [topic, older.epoch],
    [topic, newer.epoch],
  ]);
  newer.end(undefined);
  assert.deepEqual(told().at(-1), ["$sys.agents.planner.offline", newer.epoch]);
});

test("three silent heartbeats are announced once, as the reason", () => {
  const { open, runtime, events } = createWorld();
  open("planner");
  runtime.advance(60_000);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["agent.online", "agent.offline"],
  );
  assert.match(events[1]?.payload.reason ?? "", /no heartbeat for 3000 ms/);
});

test("a registration that is refused announces nothing", () => {
  const { open, events } = createWorld();
  assert.throws(() => open("not an id"));
  assert.deepEqual(events, []);
});

test("an agent id becomes one segment of a topic; the payload has it whole", () => {
  const { open, events } = createWorld();
  open("desk@host.example:1");
  assert.equal(events[0]?.topic, "$sys.agents.desk:40host:2eexample:3a1.online");
  assert.equal(events[0]?.payload.agent_id, "desk@host.example:1");
});

test("the end of the bridge is no news of its agents", () => {
  const { open, presence, sessions, events } = createWorld();
  open("planner");
  presence.close();
  sessions.close("the end");
  assert.equal(events.length, 1);
});

test("a watcher is told until it stops", () => {
  const { open, presence } = createWorld();
  const seen: string[] = [];
  const stop = presence.watch(({ kind, session }) => seen.push(`${session.agentId} ${kind}`));
  const session = open("a");
  session.end(undefined);
  stop();
  open("b");
  assert.deepEqual(seen, ["a online", "a offline"]);
});
