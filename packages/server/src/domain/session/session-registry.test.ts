import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LoomError } from "@loom-bridge/protocol";
import { anyone, noGate } from "../access/anyone.test-helper.ts";
import type { BusEvent } from "../bus/bus-event.ts";
import { EventBus } from "../bus/event-bus.ts";
import type { PublishOutcome } from "../bus/publish-outcome.ts";
import { silentLogger } from "../logger.ts";
import { createManualRuntime } from "../manual-runtime.ts";
import type { CallSignal } from "../tools/call-signal.ts";
import type { ToolOutcome } from "../tools/tool.ts";
import type { Receipt } from "./control-frame.ts";
import type { Registration } from "./registration.ts";
import type { Session, SessionEnd } from "./session.ts";
import { SessionRegistry } from "./session-registry.ts";
import { defaultSessionSettings } from "./session-settings.ts";

const settings = { ...defaultSessionSettings, publishWindow: 4, maxControlFrames: 8, maxOpenCalls: 2 };

function createWorld() {
  const runtime = createManualRuntime();
  const bus = new EventBus({ runtime, stallTimeoutMs: 600_000 });
  const calls: { caller: string; settle: (outcome: ToolOutcome) => void; signal: CallSignal }[] = [];
  let registered = 0;
  const sessions = new SessionRegistry({
    bus,
    runtime,
    settings,
    logger: silentLogger,
    gatekeeper: noGate,
    tools: {
      register(_provider, descriptors, replacing) {
        if (descriptors.some(({ name }) => name === "taken")) throw new LoomError("already_exists", "taken");
        replacing?.remove();
        registered += 1;
        let removed = false;
        return {
          remove() {
            if (!removed) registered -= 1;
            removed = true;
          },
        };
      },
      call: ({ agentId: caller = "" }, request, signal) =>
        new Promise((resolve) => {
          calls.push({ caller, signal, settle: (outcome) => resolve({ id: request.id, outcome }) });
        }),
    },
  });
  const open = (agentId: string, registration: Partial<Registration> = {}): Session =>
    sessions.open({ agentId, topics: [], subscriptions: [], tools: [], metadata: {}, ...registration }, anyone);
  return { runtime, bus, sessions, calls, open, countRegistered: () => registered };
}

function event(topic: string, id = "e"): BusEvent {
  return { topic, id, type: "t", sender: "", body: new Uint8Array() };
}

function counts(outcome: PublishOutcome | Promise<PublishOutcome>): number[] {
  return outcome instanceof Promise ? [] : [outcome.matched, outcome.queued, outcome.dropped];
}

function receipts(session: Session): Receipt[] {
  return session.takeControl().flatMap((frame) => (frame.kind === "receipts" ? frame.receipts : []));
}

function eventIds(session: Session): string[] {
  return session.takeEvents().flatMap(({ events }) => events.map(({ id }) => id));
}

const call = { id: "c", name: "tool", arguments: "{}", timeoutMs: 0, headers: {}, correlationId: "" };

describe("a registration", () => {
  const wrong: [string, Partial<Registration>, string][] = [
    ["an empty agent id", { agentId: "" }, "invalid_argument"],
    ["an agent id of 129 bytes", { agentId: "x".repeat(129) }, "invalid_argument"],
    ["an agent id with a control character", { agentId: "a\u0000b" }, "invalid_argument"],
    ["a filter that is none", { topics: ["a", "b..c"] }, "invalid_argument"],
    ["129 filters", { topics: Array.from({ length: 129 }, (_, index) => `t${index}`) }, "resource_exhausted"],
    [
      "65 pairs of metadata",
      { metadata: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, ""])) },
      "resource_exhausted",
    ],
    ["a metadata value of 4097 bytes", { metadata: { key: "x".repeat(4097) } }, "invalid_argument"],
    [
      "a tool whose name is taken",
      { tools: [{ name: "taken", description: "", parametersSchema: "", metadata: {} }] },
      "already_exists",
    ],
  ];
  for (const [what, registration, code] of wrong) {
    test(`with ${what} is refused, and the agent's live session goes on`, () => {
      const { open, sessions, bus, countRegistered } = createWorld();
      const live = open("agent", { topics: ["live"] });
      assert.throws(() => open("agent", registration), { code });
      assert.equal(live.ended, undefined);
      assert.equal(sessions.get("agent"), live);
      assert.deepEqual(counts(bus.publish(event("live"))), [1, 1, 0]);
      assert.equal(countRegistered(), 1);
    });
  }

  test("with subscription ids that are 0 or used twice is refused", () => {
    const { open } = createWorld();
    const subscription = { id: 1, filters: ["a"], eventTypes: [], quality: "batched", window: 0 } as const;
    assert.throws(() => open("agent", { subscriptions: [subscription, subscription] }), /used twice/);
    assert.throws(() => open("agent", { subscriptions: [{ ...subscription, id: 0 }] }), /choose a number from 1/);
  });
});

test("a registration that does not fit a group is refused, and leaves nothing on the bus", () => {
  const { open, bus, runtime } = createWorld();
  const member = { id: 1, filters: ["a"], eventTypes: [], quality: "batched", window: 0, group: "g" } as const;
  const live = open("live", { subscriptions: [member] });
  assert.throws(() => open("agent", { topics: ["b"], subscriptions: [{ ...member, filters: ["c"] }] }), {
    code: "failed_precondition",
  });
  assert.deepEqual(counts(bus.publish(event("b"))), [0, 0, 0]);
  live.end(undefined);
  assert.equal(runtime.pendingTimers(), 0);
});

describe("a newer session of the same agent", () => {
  test("takes over, and the older one's end changes nothing of it", () => {
    const { open, sessions, bus, countRegistered } = createWorld();
    const older = open("agent", { topics: ["a"] });
    const newer = open("agent", { topics: ["a"] });
    assert.equal(older.ended?.error?.code, "aborted");
    assert.equal(older.ended?.error?.retryable, false);
    assert.ok(newer.epoch > older.epoch);
    older.end(undefined);
    assert.equal(sessions.get("agent"), newer);
    assert.equal(countRegistered(), 1);
    assert.deepEqual(counts(bus.publish(event("a"))), [1, 1, 0]);
  });

  test("and 1000 take-overs leave one session, one registration and one timer", () => {
    const { open, sessions, countRegistered, runtime } = createWorld();
    for (let index = 0; index < 1000; index += 1) open("agent", { topics: ["a"] });
    assert.equal(sessions.list().length, 1);
    assert.equal(countRegistered(), 1);
    assert.equal(runtime.pendingTimers(), 1);
  });
});

describe("the end of a session", () => {
  test("leaves nothing on the bus, among the tools, in the directory or on the clock", () => {
    const { open, sessions, bus, countRegistered, runtime } = createWorld();
    const session = open("agent", { topics: ["a"] });
    session.end(undefined);
    assert.ok(bus.isEmpty);
    assert.equal(sessions.list().length, 0);
    assert.equal(countRegistered(), 0);
    assert.equal(runtime.pendingTimers(), 0);
  });

  test("ends the calls it makes and the calls it was to answer", async () => {
    const { open, calls } = createWorld();
    const session = open("agent");
    session.callTool(1, call);
    const invocation = { ...call, caller: "other" };
    const reply = createReply();
    session.provider.start(invocation, reply);
    session.end(undefined);
    assert.ok(calls[0]?.signal.aborted);
    assert.deepEqual(reply.statuses, ["error"]);
    session.provider.start(invocation, reply);
    assert.deepEqual(reply.statuses, ["error", "error"]);
  });

  test("comes after what was published before it", async () => {
    const { open, bus } = createWorld();
    const slow = open("slow", { topics: ["a"] });
    for (let index = 0; index < 2048; index += 1) void bus.publish(event("a"));
    const publisher = open("publisher");
    publisher.publish(1, [event("a", "late")]);
    const finished = publisher.finish();
    assert.equal(publisher.ended, undefined);
    publisher.nothingLeft();
    slow.takeEvents();
    await finished;
    assert.equal(receipts(publisher).length, 1);
    publisher.nothingLeft();
    assert.deepEqual(publisher.ended, { error: undefined });
  });
});

describe("heartbeats", () => {
  test("three missed ones end the session with unavailable; anything the agent says counts as one", () => {
    const { open, runtime } = createWorld();
    const session = open("agent");
    runtime.advance(80_000);
    session.heard();
    runtime.advance(89_999);
    const ends = (): SessionEnd | undefined => session.ended;
    assert.equal(ends(), undefined);
    assert.equal(session.isActive, false);
    runtime.advance(1);
    assert.equal(ends()?.error?.code, "unavailable");
    assert.match(ends()?.error?.message ?? "", /no heartbeat for 90000 ms; send one every 30000 ms/);
  });

  test("are answered once however many came", () => {
    const { open } = createWorld();
    const session = open("agent");
    for (let index = 0; index < 10_000; index += 1) session.heartbeat(index);
    assert.deepEqual(session.takeControl(), [{ kind: "heartbeat-ack", timestampMs: 9_999 }]);
  });
});

describe("publishes", () => {
  test("are answered in order, those that went alike by one receipt", () => {
    const { open } = createWorld();
    open("subscriber", { topics: ["a"] });
    const session = open("publisher");
    session.publish(1, [event("a")]);
    session.publish(2, [event("a")]);
    session.publish(3, [event("nobody")]);
    session.publish(4, [event("not a topic")]);
    const alike = { matched: 1, queued: 1, dropped: 0, drops: [], duplicate: false, offset: 0, error: undefined };
    const [first, second, third, ...rest] = receipts(session);
    assert.deepEqual(
      [first, second],
      [
        { ref: 1, count: 2, ...alike },
        { ref: 3, count: 1, ...alike, matched: 0, queued: 0 },
      ],
    );
    assert.equal(third?.ref, 4);
    assert.equal(third?.error?.code, "invalid_argument");
    assert.equal(rest.length, 0);
  });

  test("without a ref that are refused end the session, for there is no other answer", () => {
    const { open } = createWorld();
    const session = open("publisher");
    session.publish(0, [event("not a topic")]);
    assert.equal(session.ended?.error?.code, "invalid_argument");
  });

  test("that wait for a slow subscriber hold back later publishes and nothing else", async () => {
    const { open, bus } = createWorld();
    const slow = open("slow", { topics: ["a"] });
    for (let index = 0; index < 2048; index += 1) void bus.publish(event("a"));
    const session = open("publisher", { topics: ["b"] });
    session.publish(1, [event("a", "first")]);
    session.publish(2, [event("b", "second")]);
    session.heartbeat(5);
    assert.deepEqual(eventIds(session), []);
    assert.deepEqual(session.takeControl(), [{ kind: "heartbeat-ack", timestampMs: 5 }]);
    slow.takeEvents();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(eventIds(session), ["second"]);
    assert.deepEqual(receipts(session), [
      { ref: 1, count: 2, matched: 1, queued: 1, dropped: 0, drops: [], duplicate: false, offset: 0, error: undefined },
    ]);
  });

  test("stop the reading when too many wait, and while they do the agent is not taken for dead", async () => {
    const { open, bus, runtime } = createWorld();
    const slow = open("slow", { topics: ["a"] });
    for (let index = 0; index < 2048; index += 1) void bus.publish(event("a"));
    const session = open("publisher");
    for (let ref = 1; ref <= 4; ref += 1) session.publish(ref, [event("a")]);
    assert.equal(session.readyForMore(), undefined);
    session.publish(5, [event("a")]);
    const ready = session.readyForMore();
    assert.ok(ready instanceof Promise);
    for (let index = 0; index < 10; index += 1) {
      runtime.advance(60_000);
      slow.heard();
    }
    assert.equal(session.ended, undefined);
    slow.takeEvents();
    receipts(session);
    await ready;
  });
});

describe("subscriptions", () => {
  const subscription = { id: 7, filters: ["a"], eventTypes: [], quality: "batched", window: 0 } as const;

  test("can be added, replaced and ended, and the agent is told each time", () => {
    const { open, bus } = createWorld();
    const session = open("agent");
    session.subscribe(subscription);
    void bus.publish(event("a", "1"));
    session.subscribe({ ...subscription, filters: ["b"] });
    void bus.publish(event("a", "2"));
    void bus.publish(event("b", "3"));
    assert.deepEqual(eventIds(session), ["3"]);
    session.unsubscribe(7);
    assert.deepEqual(counts(bus.publish(event("b"))), [0, 0, 0]);
    assert.deepEqual(
      session.takeControl().map((frame) => frame.kind === "subscription-ack" && frame.active),
      [true, true, false],
    );
  });

  test("that are refused leave the one with the same id as it was", () => {
    const { open, bus } = createWorld();
    const session = open("agent");
    session.subscribe(subscription);
    session.subscribe({ ...subscription, filters: ["not a filter"] });
    const [, refused] = session.takeControl();
    assert.ok(refused?.kind === "subscription-ack" && refused.active && refused.problem.includes("not a filter"));
    assert.deepEqual(counts(bus.publish(event("a"))), [1, 1, 0]);
  });
});

describe("tool calls of an agent", () => {
  test("are answered once, with the ref that the agent chose", async () => {
    const { open, calls } = createWorld();
    const session = open("agent");
    session.callTool(9, call);
    assert.equal(calls[0]?.caller, "agent");
    calls[0]?.settle({ status: "ok", output: "1" });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(session.takeControl(), [
      { kind: "tool-response", ref: 9, callId: "c", outcome: { status: "ok", output: "1" } },
    ]);
  });

  test("beyond the limit, with ref 0 or with the ref of an open call are answered with the reason", () => {
    const { open } = createWorld();
    const session = open("agent");
    for (const ref of [1, 2, 3, 0, 1]) session.callTool(ref, call);
    const outcomes = session.takeControl().map((frame) => frame.kind === "tool-response" && frame.outcome);
    assert.deepEqual(
      outcomes.map((outcome) => outcome && outcome.status !== "ok" && outcome.code),
      ["RESOURCE_EXHAUSTED", "INVALID_ARGUMENTS", "INVALID_ARGUMENTS"],
    );
  });

  test("can be cancelled", () => {
    const { open, calls } = createWorld();
    const session = open("agent");
    session.callTool(1, call);
    session.cancelCall(1);
    assert.equal(calls[0]?.signal.aborted, true);
  });
});

test("an agent that does not read its stream is given up", () => {
  const { open } = createWorld();
  const session = open("agent");
  for (let index = 0; index < 9; index += 1) session.unsubscribe(1);
  assert.equal(session.ended?.error?.code, "resource_exhausted");
});

test("a provider's answer counts once, and not after the call was cancelled", () => {
  const { open } = createWorld();
  const session = open("agent");
  const { provider } = session;
  const invocation = { ...call, caller: "other" };
  const reply = createReply();
  const answered = provider.start(invocation, reply);
  assert.equal(provider.settle(1, { status: "ok", output: "1" }), true);
  assert.equal(provider.settle(1, { status: "ok", output: "2" }), false);
  const reason = new LoomError("canceled", "enough");
  answered.giveUp(reason);
  provider.start(invocation, reply).giveUp(reason);
  assert.equal(provider.settle(2, { status: "ok", output: "late" }), false);
  assert.deepEqual(reply.statuses, ["ok"]);
  const frames = session
    .takeControl()
    .map((frame) => (frame.kind === "tool-cancel" ? [frame.ref, frame.reason] : frame.kind));
  assert.deepEqual(frames, ["tool-request", "tool-request", [2, "[canceled] enough"]]);
});

/** Notes how the calls of a provider ended. */
function createReply() {
  const statuses: string[] = [];
  return {
    statuses,
    settle: ({ status }: ToolOutcome) => void statuses.push(status),
    fail: () => assert.fail("an agent's provider never fails"),
  };
}
