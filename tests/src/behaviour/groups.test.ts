import assert from "node:assert/strict";
import { test } from "node:test";
import { Delivered } from "@loom-bridge/protocol/messages";
import { idsOf, RawAgent } from "../raw-agent.ts";
import { describeInEveryWorld } from "../world.ts";

const share = { id: 1, filters: ["job"], window: 3, group: "workers", delivered: Delivered.AT_LEAST_ONCE };

describeInEveryWorld("members of a group", (createWorld) => {
  test("share the events, each to the least busy of them, and a plain subscription gets its own copy", async () => {
    await using world = await createWorld();
    await using one = await RawAgent.open(world.transport("grpc"), { agentId: "one", topics: ["job"] });
    await using two = await RawAgent.open(world.transport("grpc"), { agentId: "two" });
    assert.equal((await one.subscribe(share)).groupMembers, 1);
    assert.equal((await two.subscribe(share)).groupMembers, 2);
    await using writer = await RawAgent.open(world.transport("grpc"), { agentId: "writer" });
    const receipts = [];
    for (const id of ["1", "2", "3", "4"]) receipts.push(await writer.publish("job", { id }));
    assert.deepEqual([receipts[0]?.matched, receipts[0]?.queued], [2, 2]);
    assert.deepEqual(await two.ids(2), ["2", "4"]);
    const heard: Record<number, string[]> = { 0: [], 1: [] };
    while ((heard[0]?.length ?? 0) < 4 || (heard[1]?.length ?? 0) < 2) {
      const batch = await one.batch();
      heard[batch.subscription]?.push(...idsOf(batch));
    }
    assert.deepEqual(heard, { 0: ["1", "2", "3", "4"], 1: ["1", "3"] });
  });

  test("take over what a dead one had, as another attempt, before what comes after it", async () => {
    await using world = await createWorld();
    await using writer = await RawAgent.open(world.transport("grpc"), { agentId: "writer" });
    await using one = await RawAgent.open(world.transport("grpc"), { agentId: "one", subscriptions: [share] });
    for (const id of ["1", "2", "3", "4", "5"]) await writer.publish("job", { id });
    assert.deepEqual(await one.ids(3), ["1", "2", "3"]);
    one.acknowledge(1, 1n);
    await one.settled();
    assert.deepEqual(await one.ids(1), ["4"]);
    await using two = await RawAgent.open(world.transport("grpc"), { agentId: "two", subscriptions: [share] });
    assert.deepEqual(await two.ids(1), ["5"]);
    one.call.cut();
    const taken = [];
    while (taken.length < 2) {
      const batch = await two.batch();
      taken.push([...idsOf(batch), batch.attempt]);
      if (batch.events.length > 1) break;
    }
    assert.deepEqual(taken, [["2", "3", 2]]);
    two.acknowledge(1, 3n);
    const last = await two.batch();
    assert.deepEqual([idsOf(last), last.attempt], [["4"], 2]);
  });

  test("must ask for the same, and are told what differs", async () => {
    await using world = await createWorld();
    await using one = await RawAgent.open(world.transport("grpc"), { agentId: "one", subscriptions: [share] });
    const { active, errorMessage } = await one.subscribe({ ...share, id: 2, filters: ["job", "other"] });
    assert.equal(active, false);
    assert.match(errorMessage, /filters is \["job","other"\], and the group workers has \["job"\]/);
    await using two = await RawAgent.open(world.transport("grpc"), { agentId: "two" });
    assert.equal((await two.subscribe(share)).groupMembers, 2);
  });

  test("that have all left find the rest when they come back, if the group is durable", async () => {
    await using world = await createWorld();
    await using writer = await RawAgent.open(world.transport("grpc"), { agentId: "writer" });
    const subscriptions = [{ ...share, durable: "jobs" }];
    await using one = await RawAgent.open(world.transport("grpc"), { agentId: "one", subscriptions });
    for (const id of ["1", "2"]) await writer.publish("job", { id });
    await one.ids(2);
    one.acknowledge(1, 1n);
    await one.settled();
    await one.leave();
    await writer.publish("job", { id: "3" });
    await using two = await RawAgent.open(world.transport("grpc"), { agentId: "two", subscriptions });
    assert.deepEqual(await two.ids(2), ["2", "3"]);
  });
});
