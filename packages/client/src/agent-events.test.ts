import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { GapReason, GapSchema, Qos, RoutedEventSchema, SubscriptionAckSchema } from "@loom-bridge/protocol/messages";
import type { Envelope } from "./events/envelope.ts";
import { settle } from "./fake-runtime.test-helper.ts";
import { startAgent } from "./running-agent.test-helper.ts";

/** Handlers that end when a test says. */
function gate(): { open(): void; wait(): Promise<void>; waiting: number } {
  const waiters: (() => void)[] = [];
  return {
    open: () => waiters.shift()?.(),
    wait: () => new Promise<void>((resolve) => waiters.push(resolve)),
    get waiting() {
      return waiters.length;
    },
  };
}

test("events are handled one at a time, in order, and acknowledged as they are finished", async () => {
  const handlers = gate();
  const order: string[] = [];
  const { stream } = await startAgent({
    topics: ["a"],
    onEvent: async (_context, envelope) => {
      order.push(envelope.type);
      await handlers.wait();
    },
  });
  for (const type of ["1", "2", "3"]) stream.sendEvent(1, "a", { type });
  await settle();
  assert.deepEqual(order, ["1"]);
  assert.equal(stream.count("eventAck"), 0);
  handlers.open();
  assert.equal((await stream.receive("eventAck")).sequence, 1n);
  handlers.open();
  assert.equal((await stream.receive("eventAck")).sequence, 2n);
  assert.deepEqual(order, ["1", "2", "3"]);
});

test("with concurrency, an acknowledgement waits for the oldest event", async () => {
  const finish = new Map<string, () => void>();
  const { stream } = await startAgent({
    topics: ["a"],
    concurrency: 3,
    onEvent: (_context, envelope) => new Promise<void>((resolve) => finish.set(envelope.type, resolve)),
  });
  for (const type of ["1", "2", "3", "4"]) stream.sendEvent(1, "a", { type });
  await settle();
  assert.deepEqual([...finish.keys()], ["1", "2", "3"]);
  finish.get("2")?.();
  await settle();
  assert.deepEqual([...finish.keys()], ["1", "2", "3", "4"]);
  assert.equal(stream.count("eventAck"), 0);
  finish.get("1")?.();
  assert.equal((await stream.receive("eventAck")).sequence, 2n);
});

test("a burst that is handled in one tick is acknowledged once", async () => {
  const { stream } = await startAgent({ topics: ["a"], onEvent: () => {} });
  const event = new Uint8Array();
  const events = Array.from({ length: 100 }, () => create(RoutedEventSchema, { topic: "a", event, sender: "s" }));
  stream.send({ case: "eventBatch", value: { subscription: 1, firstSequence: 1n, events } });
  assert.equal((await stream.receive("eventAck")).sequence, 100n);
  assert.equal(stream.count("eventAck"), 1);
});

test("a handler that throws is reported, and the stream and the next events go on", async () => {
  const seen: string[] = [];
  const failed: [unknown, string | undefined][] = [];
  const { agent, stream } = await startAgent({
    topics: ["a"],
    onEvent: (_context, envelope) => {
      seen.push(envelope.type);
      if (envelope.type !== "good") throw new Error(envelope.type);
    },
    onError: (error: unknown, envelope?: Envelope) => {
      failed.push([(error as Error).message, envelope?.type]);
      throw new Error("the reporter fails too");
    },
  });
  for (const type of ["bad", "worse", "good"]) stream.sendEvent(1, "a", { type });
  while ((await stream.receive("eventAck")).sequence !== 3n);
  assert.deepEqual(seen, ["bad", "worse", "good"]);
  assert.deepEqual(failed, [
    ["bad", "bad"],
    ["worse", "worse"],
  ]);
  assert.equal(stream.halfClosed, false);
  await agent.stop();
});

test("an event that cannot be read is skipped, reported and acknowledged", async () => {
  const seen: string[] = [];
  const { stream, errors } = await startAgent({ topics: ["a"], onEvent: (_context, { type }) => void seen.push(type) });
  const events = [create(RoutedEventSchema, { topic: "a", event: new Uint8Array([255, 255]) })];
  stream.send({ case: "eventBatch", value: { subscription: 1, firstSequence: 1n, events } });
  assert.equal((await stream.receive("eventAck")).sequence, 1n);
  assert.equal((errors[0] as { code: string }).code, "data_loss");
  assert.deepEqual(seen, []);
});

test("events with an odd ttl arrive like any other", async () => {
  const seen: (number | undefined)[] = [];
  const { stream } = await startAgent({ topics: ["a"], onEvent: (_context, { ttlMs }) => void seen.push(ttlMs) });
  stream.sendEvent(1, "a", { type: "t", metadata: { "loom.ttl_ms": "soon", ttl: "1.5" } });
  await stream.receive("eventAck");
  assert.deepEqual(seen, [undefined]);
});

test("subscriptions have qualities, filters and handlers of their own, from the start and later", async () => {
  const seen: string[] = [];
  const handler = (name: string) => (_context: unknown, envelope: Envelope) =>
    void seen.push(`${name} ${envelope.type}`);
  const { agent, stream } = await startAgent({
    onEvent: handler("default"),
    window: 64,
    subscriptions: [
      { filters: ["ticks.**"], qos: "realtime", eventTypes: ["tick"], window: 8, handler: handler("ticks") },
      { filters: "jobs.*" },
    ],
  });
  const { event } = stream.received[0] ?? {};
  assert.ok(event?.case === "register");
  assert.deepEqual(
    event.value.subscriptions.map(({ id, filters, qos, eventTypes, window }) => [id, filters, qos, eventTypes, window]),
    [
      [2, ["agent.me.replies"], Qos.UNSPECIFIED, [], 1024],
      [3, ["ticks.**"], Qos.REALTIME, ["tick"], 8],
      [4, ["jobs.*"], Qos.UNSPECIFIED, [], 64],
    ],
  );
  const subscribing = agent.subscribe("late.*", { qos: "background" }, handler("late"));
  const { subscription } = await stream.receive("subscribe");
  assert.deepEqual([subscription?.id, subscription?.filters, subscription?.qos], [5, ["late.*"], Qos.BACKGROUND]);
  stream.send({ case: "subscriptionAck", value: create(SubscriptionAckSchema, { id: 5, active: true }) });
  stream.sendEvent(5, "late.a", { type: "5" });
  assert.equal(await subscribing, 5);
  stream.sendEvent(3, "ticks.a", { type: "3" });
  stream.sendEvent(4, "jobs.a", { type: "4" });
  await settle();
  assert.deepEqual(seen, ["late 5", "ticks 3", "default 4"]);
  const ending = agent.unsubscribe(5);
  assert.equal((await stream.receive("unsubscribe")).id, 5);
  stream.send({ case: "subscriptionAck", value: create(SubscriptionAckSchema, { id: 5 }) });
  await ending;
});

test("a subscription that the bridge refuses is refused to the author, and so is a filter that none is", async () => {
  const { agent, stream } = await startAgent();
  const subscribing = agent.subscribe(["a.*"]);
  const { subscription } = await stream.receive("subscribe");
  const refusal = { id: subscription?.id ?? 0, active: false, errorMessage: "too many" };
  stream.send({ case: "subscriptionAck", value: create(SubscriptionAckSchema, refusal) });
  await assert.rejects(subscribing, { code: "invalid_argument", message: /too many/ });
  await assert.rejects(agent.subscribe("a.**.b"), { code: "invalid_argument" });
  await assert.rejects(agent.subscribe([]), { code: "invalid_argument" });
  await assert.rejects(agent.subscribe("a", { window: 0 }), { code: "invalid_argument" });
});

test("a gap is logged and acknowledged with the events around it", async () => {
  const { stream, warnings } = await startAgent({ topics: ["a"], onEvent: () => {} });
  const reason = GapReason.QUEUE_FULL;
  const gap = create(GapSchema, { subscription: 1, firstSequence: 1n, lastSequence: 4n, reason });
  stream.send({ case: "gap", value: gap });
  assert.equal((await stream.receive("eventAck")).sequence, 4n);
  assert.deepEqual(warnings, [{ agentId: "me", subscription: 1, reason: "queue-full", lost: 4 }]);
});

test("what a handler emits keeps the event's thread and trace", async () => {
  const trace = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 1 };
  const { stream } = await startAgent({
    topics: ["a"],
    onEvent: (context) => {
      void context.emit("b", "child", { n: 1 });
      void context.emit("b", { type: "other", threadId: "own", tags: ["x"] });
    },
  });
  stream.sendEvent(1, "a", { type: "t", threadId: "thread", correlationId: "c", ...trace });
  await stream.receive("publishBatch");
  const [child, other] = stream.published();
  assert.equal(child?.event.metadata["loom.thread_id"], "thread");
  assert.equal(child?.event.metadata["trace_id"], trace.traceId);
  assert.equal(child?.event.metadata["loom.correlation_id"], undefined);
  assert.equal(other?.event.metadata["loom.thread_id"], "own");
  assert.equal(other?.event.metadata["span_id"], trace.spanId);
});

test("a reply goes to the reply topic, or else to the sender's, and quotes the request", async () => {
  const failures: unknown[] = [];
  const { stream } = await startAgent({
    topics: ["a"],
    onEvent: (context) => context.reply("answer").catch((error: unknown) => failures.push(error)),
    concurrency: 3,
  });
  stream.sendEvent(1, "a", { type: "q", id: "e1", replyTo: "my.replies", correlationId: "c1", threadId: "th" });
  stream.sendEvent(1, "a", { type: "q", id: "e2" }, "agent.x@1");
  stream.sendEvent(1, "a", { type: "q", id: "e3" }, "");
  await stream.receive("publishBatch");
  await settle();
  assert.deepEqual(
    stream.published().map(({ topic, event }) => [topic, event.type, event.metadata["loom.correlation_id"]]),
    [
      ["my.replies", "reply", "c1"],
      ["agent.agent:2ex:401.replies", "reply", "e2"],
    ],
  );
  assert.equal(stream.published()[0]?.event.metadata["loom.thread_id"], "th");
  assert.equal((failures[0] as { code: string }).code, "failed_precondition");
});
