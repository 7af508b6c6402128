import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { DrainSchema, ErrorInfoSchema, SubscriptionAckSchema } from "@loom-bridge/protocol/messages";
import { createAgent } from "./agent.ts";
import { FakeRuntime, settle } from "./fake-runtime.test-helper.ts";
import { startAgent } from "./running-agent.test-helper.ts";
import { ScriptedBridge, type ScriptedStream, wireError } from "./scripted-bridge.test-helper.ts";

const lost = wireError(Code.Unavailable, "going down");

test("an agent whose stream ends comes back by itself, after a wait between 0 and 0.5 s", async () => {
  const { agent, bridge, stream, runtime } = await startAgent({ topics: ["a"] });
  stream.end(lost);
  await settle();
  const { state, attempt, nextAttemptMs, reason } = agent.status;
  assert.deepEqual([state, attempt, nextAttemptMs, reason?.code], ["reconnecting", 1, 250, "unavailable"]);
  await runtime.advance(250);
  await bridge.acceptAgent();
  await settle();
  assert.deepEqual(agent.status, { state: "online", attempt: 0 });
  await agent.stop();
});

test("the waits double up to 10 s, and begin anew after a session that stood for 10 s", async () => {
  const { agent, bridge, stream, runtime } = await startAgent();
  const waits: (number | undefined)[] = [];
  let current = stream;
  for (let round = 0; round < 8; round += 1) {
    current.end(lost);
    await settle();
    waits.push(agent.status.nextAttemptMs);
    await runtime.advance(agent.status.nextAttemptMs ?? 0);
    // It accepts and hangs up: no reason to come sooner.
    current = await bridge.acceptAgent();
    await settle();
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 5000, 5000, 5000]);
  await runtime.advance(10_000);
  current.end(lost);
  await settle();
  assert.equal(agent.status.nextAttemptMs, 250);
  await agent.stop();
});

for (const code of [
  Code.Aborted,
  Code.AlreadyExists,
  Code.Unauthenticated,
  Code.PermissionDenied,
  Code.InvalidArgument,
  Code.FailedPrecondition,
  Code.Unimplemented,
]) {
  test(`an agent whose stream ends with ${Code[code]} does not come back`, async () => {
    const { agent, stream, runtime } = await startAgent();
    stream.end(wireError(code, "no"));
    await assert.rejects(agent.closed, { message: /no/ });
    assert.equal(agent.status.state, "closed");
    assert.equal(agent.status.reason?.rawMessage, "no");
    await settle();
    assert.equal(runtime.timers, 0);
  });
}

test("a bridge that names a time to come back is given it", async () => {
  const { agent, stream } = await startAgent();
  const value = { retryable: true, details: { retry_after_ms: "7000" } };
  stream.end(new ConnectError("busy", Code.ResourceExhausted, undefined, [{ desc: ErrorInfoSchema, value }]));
  await settle();
  assert.equal(agent.status.nextAttemptMs, 7250);
  await agent.stop();
});

test("start fails at once where no bridge is, and waits for one when it is told to", async () => {
  let isUp = false;
  const getInfo = (): Record<string, never> => {
    if (!isUp) throw wireError(Code.Unavailable, "not yet");
    return {};
  };
  const bridge = new ScriptedBridge({ bridge: { getInfo } });
  const runtime = new FakeRuntime();
  const client = { transport: bridge.transport(), runtime };
  await assert.rejects(createAgent({ id: "me", client }).start(), { code: "unavailable" });
  const agent = createAgent({ id: "me", client, retryStart: true });
  const starting = agent.start();
  await settle();
  assert.equal(agent.status.state, "connecting");
  isUp = true;
  await runtime.advance(250);
  await bridge.acceptAgent();
  await starting;
  await agent.stop();
});

test("subscriptions, also later ones, go on after the last event that came; an older one is not handled again", async () => {
  const seen: string[] = [];
  const { agent, bridge, stream, runtime } = await startAgent(
    { topics: ["a"], onEvent: (_context, { type }) => void seen.push(type) },
    { logId: "log-1", logOffset: 40n },
  );
  const adding = agent.subscribe("late");
  const { subscription: late } = await stream.receive("subscribe");
  stream.send({
    case: "subscriptionAck",
    value: create(SubscriptionAckSchema, { id: 3, active: true, logOffset: 41n }),
  });
  assert.equal(await adding, late?.id);
  stream.sendEvent(1, "a", { type: "first" }, "someone", { offset: 51n });
  await settle();
  const again = await reconnect(bridge, stream, runtime, { logId: "log-1" });
  const { event } = again.received[0] ?? {};
  assert.ok(event?.case === "register");
  assert.deepEqual(
    event.value.subscriptions.map(({ id, start }) => [id, start?.position.value, start?.logId]),
    [
      [1, 51n, "log-1"],
      [2, 40n, "log-1"],
      [3, 41n, "log-1"],
    ],
  );
  again.sendEvent(1, "a", { type: "first" }, "someone", { offset: 51n });
  again.sendEvent(1, "a", { type: "second" }, "someone", { offset: 52n });
  while ((await again.receive("eventAck")).sequence !== 2n);
  assert.deepEqual(seen, ["first", "second"]);
  await agent.stop();
});

test("offsets of another log mean nothing: its events are all new", async () => {
  const seen: number[] = [];
  const { agent, bridge, stream, runtime } = await startAgent(
    { topics: ["a"], onEvent: (_context, { offset }) => void seen.push(offset) },
    { logId: "log-1" },
  );
  stream.sendEvent(1, "a", { type: "t" }, "someone", { offset: 51n });
  await settle();
  const again = await reconnect(bridge, stream, runtime, { logId: "log-2" });
  again.sendEvent(1, "a", { type: "t" }, "someone", { offset: 1n });
  await settle();
  assert.deepEqual(seen, [51, 1]);
  const third = await reconnect(bridge, again, runtime, { logId: "log-2" });
  const { event } = third.received[0] ?? {};
  assert.ok(event?.case === "register");
  assert.deepEqual(
    event.value.subscriptions.map(({ start }) => [start?.position.value, start?.logId]),
    [
      [1n, "log-2"],
      [0n, "log-2"],
    ],
  );
  await agent.stop();
});

test("what was not answered is sent again, in order and with the same ids, before what came later", async () => {
  const { agent, bridge, stream, runtime } = await startAgent({}, { publishWindow: 2 });
  const publishes = ["1", "2", "3"].map((id) => agent.publish("x", { type: "t", id }));
  await stream.receive("publishBatch");
  stream.receipt(1n, 1);
  await publishes[0];
  await stream.receive("publishBatch");
  const again = await reconnect(bridge, stream, runtime);
  publishes.push(agent.publish("x", { type: "t", id: "4" }));
  const batch = await again.receive("publishBatch");
  assert.deepEqual([batch.firstRef, batch.items.map(({ id }) => id)], [1n, ["2", "3"]]);
  again.receipt(1n, 2);
  const rest = await again.receive("publishBatch");
  assert.deepEqual([rest.firstRef, rest.items.map(({ id }) => id)], [3n, ["4"]]);
  again.receipt(3n, 1);
  assert.equal((await Promise.all(publishes)).length, 4);
  await agent.stop();
});

test("what the bridge might no longer know by its id is not sent again", async () => {
  const { agent, bridge, stream, runtime } = await startAgent();
  const old = agent.publish("x", { type: "t", id: "old" });
  await stream.receive("publishBatch");
  stream.end(lost);
  await settle();
  const outcome = assert.rejects(old, { name: "OutcomeUnknownError", details: { outcome: "UNKNOWN" } });
  const fresh = agent.publish("x", { type: "t", id: "fresh" });
  for (let waitedMs = 0; waitedMs < 110_000; waitedMs += 10_000) {
    // Nothing answers: each attempt is given up on.
    await runtime.advance(10_000);
  }
  await outcome;
  const again = await acceptLast(bridge);
  await again.receive("register");
  again.ack();
  assert.deepEqual(
    (await again.receive("publishBatch")).items.map(({ id }) => id),
    ["fresh"],
  );
  again.receipt(1n, 1);
  await fresh;
  await agent.stop();
});

test("publishTimeoutMs bounds the wait: unsent it is not sent any more, sent it may have happened", async () => {
  const { agent, bridge, stream, runtime } = await startAgent({ publishTimeoutMs: 1000 });
  const sent = assert.rejects(agent.publish("x", { type: "sent" }), {
    details: { timeoutMs: "1000", outcome: "UNKNOWN" },
  });
  await stream.receive("publishBatch");
  await runtime.advance(1000);
  await sent;
  stream.receipt(1n, 1);
  await settle();
  stream.end(lost);
  await settle();
  const unsent = assert.rejects(agent.publish("x", { type: "unsent" }), {
    details: { timeoutMs: "1000", outcome: "NOT_SENT" },
  });
  await runtime.advance(1000);
  await unsent;
  const again = await bridge.acceptAgent();
  void agent.post("x", { type: "later" });
  await again.receive("publishBatch");
  assert.deepEqual(
    again.published().map(({ event }) => event.type),
    ["later"],
  );
  again.receipt(1n, 1);
  await agent.stop();
});

test("while the bridge is away, posts queue up to 2048 and then wait", async () => {
  const { agent, bridge, stream, runtime } = await startAgent();
  stream.end(lost);
  await settle();
  let taken = 0;
  for (let index = 0; index < 2050; index += 1) void agent.post("x", { type: "t" }).then(() => (taken += 1));
  await settle();
  assert.equal(taken, 2048);
  await runtime.advance(500);
  const again = await bridge.acceptAgent();
  await again.receive("publishBatch");
  await settle();
  assert.equal(taken, 2050);
  await Promise.all([agent.drain({ timeoutMs: 0 }), runtime.advance(0)]);
});

test("a request waits for its reply through a reconnect, until its time is over", async () => {
  const { agent, bridge, stream, runtime } = await startAgent();
  const asking = agent.request("jobs", "?", { id: "r1" });
  const late = assert.rejects(agent.request("jobs", "?"), { name: "RequestTimeoutError" });
  await stream.receive("publishBatch");
  stream.receipt(1n, 2);
  await settle();
  const again = await reconnect(bridge, stream, runtime);
  again.sendEvent(2, "agent.me.replies", { type: "reply", correlationId: "r1", payload: "here" });
  assert.equal((await asking).text(), "here");
  await runtime.advance(5000);
  await late;
  await agent.stop();
});

test("a subscription that was asked for when the stream broke is asked for again", async () => {
  const { agent, bridge, stream, runtime } = await startAgent();
  const adding = agent.subscribe("late");
  await stream.receive("subscribe");
  const again = await reconnect(bridge, stream, runtime);
  const { event } = again.received[0] ?? {};
  assert.ok(event?.case === "register");
  assert.equal(event.value.subscriptions.length, 1, "it is no part of the registration, which it might spoil");
  assert.deepEqual((await again.receive("subscribe")).subscription?.filters, ["late"]);
  again.send({ case: "subscriptionAck", value: create(SubscriptionAckSchema, { id: 3, active: true }) });
  assert.equal(await adding, 3);
  await agent.stop();
});

test("when the bridge drains, the agent finishes what is in hand, says goodbye and comes back at once", async () => {
  const { agent, bridge, stream, runtime } = await startAgent();
  await runtime.advance(10_000);
  const open = agent.publish("x", { type: "open" });
  await stream.receive("publishBatch");
  stream.send({ case: "drain", value: create(DrainSchema, { reason: "update", graceMs: 1000 }) });
  const later = agent.publish("x", { type: "later" });
  await settle();
  assert.equal(stream.count("goodbye"), 0);
  stream.receipt(1n, 1);
  await open;
  await stream.receive("goodbye");
  stream.end();
  await settle();
  await runtime.advance(0);
  const again = await bridge.acceptAgent();
  await again.receive("publishBatch");
  again.receipt(1n, 1);
  await later;
  assert.deepEqual(
    stream.published().map(({ event }) => event.type),
    ["open"],
  );
  await agent.stop();
});

test("what hangs does not keep an agent at a bridge that drains, and one that drains at once is not asked at once", async () => {
  const { agent, stream, runtime } = await startAgent();
  void agent.post("x", { type: "never answered" });
  await stream.receive("publishBatch");
  stream.send({ case: "drain", value: create(DrainSchema, { reason: "update", graceMs: 1000 }) });
  await settle();
  await runtime.advance(799);
  assert.equal(stream.count("goodbye"), 0);
  await runtime.advance(1);
  await stream.receive("goodbye");
  stream.end();
  await settle();
  assert.deepEqual([agent.status.state, agent.status.nextAttemptMs], ["reconnecting", 250]);
  await Promise.all([agent.drain({ timeoutMs: 0 }), runtime.advance(0)]);
});

test("the status can be watched; who is slow sees the latest", async () => {
  const { agent, bridge, stream, runtime } = await startAgent();
  const states: string[] = [];
  const watching = (async () => {
    for await (const { state } of agent.watchStatus()) states.push(state);
  })();
  const slow = agent.watchStatus();
  await settle();
  await reconnect(bridge, stream, runtime);
  await settle();
  assert.deepEqual(states, ["online", "reconnecting", "online"]);
  assert.equal((await slow.next()).value?.state, "online");
  await agent.stop();
  await watching;
  assert.deepEqual(states.slice(3), ["draining", "closed"]);
  assert.equal((await slow.next()).value?.state, "closed");
  assert.deepEqual(await slow.next(), { done: true, value: undefined });
});

test("stop ends an agent that waits for its next attempt, and what it waits for", async () => {
  const { agent, stream, runtime } = await startAgent({ drainTimeoutMs: 50 });
  const unanswered = assert.rejects(agent.publish("x", { type: "t" }), { name: "OutcomeUnknownError" });
  await stream.receive("publishBatch");
  stream.end(lost);
  await settle();
  const unsent = assert.rejects(agent.publish("x", { type: "t" }), { name: "AgentClosedError" });
  const unsubscribed = assert.rejects(agent.subscribe("x"), { name: "AgentClosedError" });
  const stopping = agent.stop();
  await settle();
  assert.equal(agent.status.state, "draining");
  await runtime.advance(50);
  await stopping;
  await Promise.all([unanswered, unsent, unsubscribed, agent.closed]);
  assert.equal(runtime.timers, 0);
});

/** Loses the stream and lets the agent come back. */
async function reconnect(
  bridge: ScriptedBridge,
  stream: ScriptedStream,
  runtime: FakeRuntime,
  ack: Parameters<ScriptedBridge["acceptAgent"]>[0] = {},
): Promise<ScriptedStream> {
  stream.end(lost);
  await settle();
  await runtime.advance(500);
  const again = await bridge.acceptAgent(ack);
  await settle();
  return again;
}

/** The stream that is open after several that were given up. */
async function acceptLast(bridge: ScriptedBridge): Promise<ScriptedStream> {
  for (;;) {
    const stream = await bridge.accept();
    if (!stream.halfClosed) return stream;
  }
}
