import assert from "node:assert/strict";
import { test } from "node:test";
import { describeInEveryWorld, type World } from "../world.ts";

/** An agent that answers every event on one topic with an event on another. */
function forwarder(world: World, from: string, to: string, onError: (error: unknown) => void) {
  return world.agent({
    id: from,
    topics: [from],
    onError,
    onEvent: async (context) => {
      await context.emit(to, "forwarded");
    },
  });
}

describeInEveryWorld("agents that answer each other's events", (createWorld) => {
  test("are stopped, by an error that names the chain", async () => {
    await using world = await createWorld();
    const stopped = Promise.withResolvers<unknown>();
    await forwarder(world, "ping", "pong", stopped.resolve);
    await forwarder(world, "pong", "ping", stopped.resolve);
    const writer = await world.agent({ id: "writer" });
    await writer.publish("ping", { type: "start" });
    const error = await stopped.promise;
    assert.match(String(error), /failed_precondition.*32/s);
    assert.match(String(error), /ping.*pong.*ping.*pong/s);
  });

  test("do no more than the budget of the chain allows", async () => {
    await using world = await createWorld();
    const stopped = Promise.withResolvers<unknown>();
    let received = 0;
    const count = (error: unknown): void => stopped.resolve(error);
    await forwarder(world, "ping", "pong", count);
    await forwarder(world, "pong", "ping", count);
    await world.agent({ id: "counter", topics: ["ping", "pong"], onEvent: () => void (received += 1) });
    const writer = await world.agent({ id: "writer" });
    await writer.publish("ping", { type: "start", chain: { budget: 3 } });
    assert.match(String(await stopped.promise), /failed_precondition.*budget/s);
    assert.equal(received, 3);
  });
});
