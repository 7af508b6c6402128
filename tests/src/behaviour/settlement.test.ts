import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { Delivered, EventSchema, Verdict } from "@loom-bridge/protocol/messages";
import { RawAgent } from "../raw-agent.ts";
import { describeInEveryWorld } from "../world.ts";

const work = { id: 1, filters: ["work.*"], window: 4, delivered: Delivered.AT_LEAST_ONCE };

describeInEveryWorld("at least once", (createWorld) => {
  test("an event that is to be retried comes again with its number, in a batch of its own", async () => {
    await using world = await createWorld();
    await using writer = await RawAgent.open(world.transport("grpc"), { agentId: "writer" });
    await using reader = await RawAgent.open(world.transport("grpc"), { agentId: "reader", subscriptions: [work] });
    for (const id of ["1", "2"]) await writer.publish("work.a", { id });
    await reader.ids(2);
    reader.settle(1, { sequence: 1n, verdict: Verdict.RETRY }, { sequence: 2n, verdict: Verdict.ACKNOWLEDGE });
    const again = await reader.batch();
    assert.deepEqual([again.firstSequence, again.attempt, again.events.length], [1n, 2, 1]);
    reader.settle(1, { sequence: 1n, verdict: Verdict.RETRY, delayMs: 20 });
    assert.equal((await reader.batch()).attempt, 3);
    reader.acknowledge(1, 2n);
    assert.ok(await reader.hasNone("eventBatch"));
  });

  test("an event that nobody settles comes again in time, and in the end is a dead letter that says why", async () => {
    await using world = await createWorld();
    await using writer = await RawAgent.open(world.transport("grpc"), { agentId: "writer" });
    await using undertaker = await RawAgent.open(world.transport("grpc"), {
      agentId: "undertaker",
      subscriptions: [{ id: 1, filters: ["$dlq.**"] }],
    });
    await using reader = await RawAgent.open(world.transport("grpc"), {
      agentId: "reader",
      subscriptions: [{ ...work, settleTimeoutMs: 100, maxAttempts: 2 }],
    });
    await writer.publish("work.a", { id: "poison", payload: new Uint8Array([7]) });
    assert.equal((await reader.batch()).attempt, 1);
    assert.equal((await reader.batch()).attempt, 2);
    const [letter] = (await undertaker.batch()).events;
    assert.equal(letter?.topic, "$dlq.work.a");
    const { id, payload, metadata } = fromBinary(EventSchema, letter?.event ?? new Uint8Array());
    assert.deepEqual([id, [...payload], metadata["loom.dlq_attempts"]], ["poison", [7], "2"]);
    assert.deepEqual([metadata["loom.dlq_subscriber"], metadata["loom.dlq_topic"]], ["reader", "work.a"]);
    assert.match(metadata["loom.dlq_reason"] ?? "", /not settled within 100 ms, and it was delivered 2 times/);
    reader.settle(1, { sequence: 1n, verdict: Verdict.ACKNOWLEDGE });
    await reader.settled();
  });

  test("an event that is terminated is a dead letter at once", async () => {
    await using world = await createWorld();
    await using writer = await RawAgent.open(world.transport("grpc"), { agentId: "writer" });
    await using undertaker = await RawAgent.open(world.transport("grpc"), {
      agentId: "undertaker",
      subscriptions: [{ id: 1, filters: ["$dlq.work.a"] }],
    });
    await using reader = await RawAgent.open(world.transport("grpc"), { agentId: "reader", subscriptions: [work] });
    await writer.publish("work.a", { id: "bad" });
    await reader.batch();
    reader.settle(1, { sequence: 1n, verdict: Verdict.TERMINATE, reason: "no such account" });
    const [letter] = (await undertaker.batch()).events;
    const { metadata } = fromBinary(EventSchema, letter?.event ?? new Uint8Array());
    assert.equal(metadata["loom.dlq_reason"], "no such account");
  });

  test("what a session left unsettled comes to the next one of the durable name, and what it settled does not", async () => {
    await using world = await createWorld();
    await using writer = await RawAgent.open(world.transport("grpc"), { agentId: "writer" });
    const subscriptions = [{ ...work, durable: "jobs" }];
    await using first = await RawAgent.open(world.transport("grpc"), { agentId: "reader", subscriptions });
    for (const id of ["1", "2", "3"]) await writer.publish("work.a", { id });
    await first.ids(3);
    first.settle(1, { sequence: 2n, verdict: Verdict.ACKNOWLEDGE });
    await first.settled();
    // The newer session takes over while the older one is still there.
    await using second = await RawAgent.open(world.transport("grpc"), { agentId: "reader", subscriptions });
    assert.deepEqual(await second.ids(2), ["1", "3"]);
  });

  test("needs a window, and settling is refused where nothing waits for it", async () => {
    await using world = await createWorld();
    await using reader = await RawAgent.open(world.transport("grpc"), { agentId: "reader" });
    const { active, errorMessage } = await reader.subscribe({ ...work, window: 0 });
    assert.deepEqual([active, /window is 0/.test(errorMessage)], [false, true]);
    await reader.subscribe({ id: 2, filters: ["a"], window: 1 });
    reader.settle(2, { sequence: 1n, verdict: Verdict.RETRY });
    await assert.rejects(reader.settled(), /subscription 2 is delivered at most once/);
  });
});

describeInEveryWorld("the bridge's own topics", (createWorld) => {
  test("are refused to publishers", async () => {
    await using world = await createWorld();
    await using writer = await RawAgent.open(world.transport("grpc"), { agentId: "writer" });
    for (const topic of ["$sys.agents.a", "$dlq.work.a"]) {
      const { error } = await writer.publish(topic);
      assert.deepEqual([error?.code, /is the bridge's/.test(error?.message ?? "")], ["permission_denied", true]);
    }
  });
});

describeInEveryWorld("a chain of events", (createWorld) => {
  test("is counted by the bridge, and refused at its end with its path", async () => {
    await using world = await createWorld();
    await using reader = await RawAgent.open(world.transport("grpc"), { agentId: "reader", topics: ["a"] });
    await using writer = await RawAgent.open(world.transport("grpc"), { agentId: "writer" });
    await writer.publish("a", { chain: { budget: 2, path: ["user > ask"] } });
    const { chain } = (await reader.batch()).events[0] ?? {};
    assert.deepEqual([chain?.hops, chain?.budget, chain?.path], [1, 1, ["user > ask", "writer > a"]]);
    const { $typeName: _, ...last } = chain ?? { $typeName: "" };
    await writer.publish("a", { chain: { ...last, hops: 32 } }).then(({ error }) => {
      assert.equal(error?.code, "failed_precondition");
      assert.match(error?.message ?? "", /user > ask → writer > a → writer > a ends here/);
    });
    await writer.publish("a", { chain: last });
    assert.equal((await reader.batch()).events[0]?.chain?.spent, true);
  });
});
