import assert from "node:assert/strict";
import { test } from "node:test";
import { systemRuntime } from "@loom-bridge/protocol";
import { GapReason, Overflow } from "@loom-bridge/protocol/messages";
import { createInMemoryEventLog } from "@loom-bridge/server";
import { RawAgent } from "../raw-agent.ts";
import { describeInEveryWorld } from "../world.ts";

describeInEveryWorld("a subscription's start", (createWorld) => {
  test("after an offset brings what was kept since, and then what is published, once and in order", async () => {
    await using world = await createWorld();
    await using writer = await RawAgent.open(world.transport("grpc"), { agentId: "writer" });
    const receipts = [];
    for (const id of ["1", "2", "3"]) receipts.push(await writer.publish("a", { id }));
    assert.deepEqual(
      receipts.map(({ offset }) => offset),
      [1n, 2n, 3n].map((count) => count + writer.ack.logOffset),
    );
    const start = { position: { case: "afterOffset" as const, value: receipts[0]?.offset ?? 0n } };
    await using reader = await RawAgent.open(world.transport("grpc"), {
      agentId: "reader",
      subscriptions: [{ id: 1, filters: ["a"], start: { ...start, logId: writer.ack.logId } }],
    });
    assert.equal(reader.ack.logId, writer.ack.logId);
    assert.equal(reader.ack.logOffset, receipts[2]?.offset);
    const batch = await reader.batch();
    assert.deepEqual(
      batch.events.map(({ offset }) => offset),
      [receipts[1]?.offset, receipts[2]?.offset],
    );
    assert.equal(batch.firstSequence, 1n);
    assert.ok((batch.events[0]?.publishedMs ?? 0n) > 0n);
    await writer.publish("a", { id: "4" });
    assert.deepEqual(await reader.ids(1), ["4"]);
    assert.ok(await reader.hasNone("gap"));
  });

  test("with the oldest, with a time and with the last value", async () => {
    await using world = await createWorld();
    await using writer = await RawAgent.open(world.transport("grpc"), { agentId: "writer" });
    for (const [topic, id] of [
      ["v.a", "1"],
      ["v.b", "2"],
      ["v.a", "3"],
    ] as const) {
      await writer.publish(topic, { id });
    }
    await using reader = await RawAgent.open(world.transport("grpc"), { agentId: "reader" });
    const filters = ["v.*"];
    await reader.subscribe({ id: 1, filters, start: { position: { case: "afterOffset", value: 0n } } });
    assert.deepEqual(await reader.ids(3), ["1", "2", "3"]);
    await reader.subscribe({ id: 1, filters, start: { position: { case: "lastValue", value: true } } });
    assert.deepEqual(await reader.ids(2), ["2", "3"]);
    await reader.subscribe({ id: 1, filters, start: { position: { case: "sinceMs", value: 1n } } });
    assert.deepEqual(await reader.ids(3), ["1", "2", "3"]);
    const future = BigInt(Date.now() + 3_600_000);
    await reader.subscribe({ id: 1, filters, start: { position: { case: "sinceMs", value: future } } });
    await writer.publish("v.a", { id: "4" });
    assert.deepEqual(await reader.ids(1), ["4"]);
  });

  test("where the log no longer reaches begins with a gap and the oldest event that is kept", async () => {
    // The bridge in memory has a clock of its own, by which nothing here is to be too old.
    const limits = { topicMessages: 2, ageMs: Number.POSITIVE_INFINITY };
    const log = createInMemoryEventLog({ runtime: systemRuntime, limits });
    await using world = await createWorld({ log });
    await using writer = await RawAgent.open(world.transport("grpc"), { agentId: "writer" });
    const first = await writer.publish("a", { id: "1" });
    for (const id of ["2", "3", "4"]) await writer.publish("a", { id });
    await using reader = await RawAgent.open(world.transport("grpc"), { agentId: "reader" });
    const start = { position: { case: "afterOffset" as const, value: first.offset } };
    await reader.subscribe({ id: 1, filters: ["a"], start });
    const gap = await reader.gap();
    assert.deepEqual([gap.reason, gap.firstSequence, gap.lastSequence], [GapReason.NOT_RETAINED, 1n, 1n]);
    const batch = await reader.batch();
    assert.equal(batch.firstSequence, 2n);
    assert.equal(batch.events.length, 2);
    await reader.subscribe({ id: 2, filters: ["a"], start: { ...start, logId: "another log" } });
    assert.equal((await reader.gap()).reason, GapReason.NOT_RETAINED);
    assert.deepEqual(await reader.ids(2), ["3", "4"]);
  });

  test("is where the last session of a durable name was acknowledged", async () => {
    await using world = await createWorld();
    await using writer = await RawAgent.open(world.transport("grpc"), { agentId: "writer" });
    const subscriptions = [{ id: 1, filters: ["a"], window: 10, durable: "work" }];
    await using first = await RawAgent.open(world.transport("grpc"), { agentId: "reader", subscriptions });
    for (const id of ["1", "2", "3"]) await writer.publish("a", { id });
    assert.deepEqual(await first.ids(3), ["1", "2", "3"]);
    first.acknowledge(1, 2n);
    await first.settled();
    await first.leave();
    await writer.publish("a", { id: "4" });
    await using second = await RawAgent.open(world.transport("grpc"), { agentId: "reader", subscriptions });
    assert.deepEqual(await second.ids(2), ["3", "4"]);
  });
});

describeInEveryWorld("a full queue", (createWorld) => {
  const flood = async (writer: RawAgent, count: number): Promise<void> => {
    for (let id = 1; id <= count; id += 1) await writer.publish("a", { id: String(id), key: String(id % 3) });
  };

  test("drops the newest events when asked to, says so in the receipt, and announces the gap at its end", async () => {
    await using world = await createWorld();
    await using writer = await RawAgent.open(world.transport("grpc"), { agentId: "writer" });
    await using reader = await RawAgent.open(world.transport("grpc"), {
      agentId: "reader",
      subscriptions: [{ id: 1, filters: ["a"], window: 1, qos: 1, overflow: Overflow.DROP_NEWEST }],
    });
    await flood(writer, 513);
    const receipt = await writer.publish("a", { id: "late" });
    assert.deepEqual([receipt.matched, receipt.queued, receipt.dropped], [1, 0, 1]);
    assert.deepEqual(
      receipt.drops.map(({ reason, count }) => [reason, count]),
      [[1, 1]],
    );
    for (let sequence = 1n; sequence <= 513n; sequence += 1n) {
      assert.equal((await reader.batch()).firstSequence, sequence);
      reader.acknowledge(1, sequence);
    }
    const gap = await reader.gap();
    assert.deepEqual([gap.firstSequence, gap.lastSequence, gap.reason], [514n, 514n, GapReason.QUEUE_FULL]);
  });

  test("holds the latest event of each key when asked to", async () => {
    await using world = await createWorld();
    await using writer = await RawAgent.open(world.transport("grpc"), { agentId: "writer" });
    await using reader = await RawAgent.open(world.transport("grpc"), {
      agentId: "reader",
      subscriptions: [{ id: 1, filters: ["a"], window: 1, overflow: Overflow.LATEST_PER_KEY }],
    });
    await flood(writer, 10);
    assert.deepEqual(await reader.ids(1), ["1"]);
    reader.acknowledge(1, 1n);
    const gap = await reader.gap();
    assert.deepEqual([gap.firstSequence, gap.lastSequence], [2n, 7n]);
    const rest = [];
    for (let sequence = 8n; sequence <= 10n; sequence += 1n) {
      rest.push(...(await reader.ids(1)));
      reader.acknowledge(1, sequence);
    }
    assert.deepEqual(rest, ["8", "9", "10"]);
  });
});
