import assert from "node:assert/strict";
import { test } from "node:test";
import { Agent } from "@loom-bridge/client";
import { Inbox } from "../inbox.ts";
import { describeInEveryWorld } from "../world.ts";

describeInEveryWorld("events between agents", (createWorld) => {
  test("arrive with payload, envelope, concrete topic, sender and sequence", async () => {
    await using world = await createWorld();
    const inbox = new Inbox();
    await world.agent({ id: "reader", topics: ["market.price.*"], onEvent: inbox.onEvent });
    const writer = await world.agent({ id: "writer" });
    const receipt = await writer.publish("market.price.BTC", {
      type: "price.tick",
      payload: { usd: 64_000 },
      metadata: { exchange: "x" },
      threadId: "thread-1",
      confidence: 0.5,
      tags: ["fresh"],
      ttlMs: 1000,
    });
    assert.deepEqual([receipt.matched, receipt.queued, receipt.dropped, receipt.drops], [1, 1, 0, []]);
    const [envelope] = await inbox.received(1);
    assert.deepEqual(envelope?.json(), { usd: 64_000 });
    assert.deepEqual(
      [envelope?.topic, envelope?.sender, envelope?.sequence, envelope?.type, envelope?.id],
      ["market.price.BTC", "writer", 1, "price.tick", receipt.eventId],
    );
    assert.deepEqual(
      [envelope?.threadId, envelope?.confidence, envelope?.tags, envelope?.ttlMs, envelope?.metadata["exchange"]],
      ["thread-1", 0.5, ["fresh"], 1000, "x"],
    );
  });

  test("that nobody wants are receipted as such", async () => {
    await using world = await createWorld();
    const writer = await world.agent({ id: "writer" });
    const { matched, queued, dropped } = await writer.publish("nobody.listens", { type: "t" });
    assert.deepEqual([matched, queued, dropped], [0, 0, 0]);
  });

  test("keep the order of their publisher, all 5000 of them, and none is lost or doubled", async () => {
    await using world = await createWorld();
    const inbox = new Inbox();
    await world.agent({ id: "reader", topics: ["numbers"], onEvent: inbox.onEvent });
    const writer = await world.agent({ id: "writer" });
    const expected = Array.from({ length: 5000 }, (_, index) => String(index));
    for (const payload of expected) await writer.post("numbers", { type: "n", payload });
    assert.deepEqual(await inbox.texts(5000), expected);
  });

  test("of 8 publishers at once all arrive, in each one's order, and the statistics agree", async () => {
    await using world = await createWorld();
    const inbox = new Inbox();
    await world.agent({ id: "reader", topics: ["load.**"], onEvent: inbox.onEvent });
    const writers = await Promise.all(Array.from({ length: 8 }, (_, index) => world.agent({ id: `writer-${index}` })));
    await Promise.all(
      writers.map(async (writer) => {
        for (let count = 0; count < 250; count += 1) {
          await writer.post(`load.${writer.id}`, { type: "n", payload: String(count) });
        }
      }),
    );
    await inbox.received(2000);
    for (const { id } of writers) {
      const own = inbox.envelopes.filter(({ sender }) => sender === id).map((envelope) => Number(envelope.text()));
      assert.deepEqual(
        own,
        Array.from({ length: 250 }, (_, index) => index),
      );
    }
    const { topics, total } = await world.client().getStats({ filter: "load.**" });
    assert.equal(topics.length, 8);
    for (const topic of topics) {
      const { published, delivered, dropped, activeSubscriptions } = topic;
      assert.deepEqual([published, delivered, dropped, activeSubscriptions], [250n, 250n, 0n, 1]);
    }
    assert.deepEqual([total?.published, total?.delivered, total?.backlog], [2000n, 2000n, 0n]);
  });

  test("that the bridge refuses are an error that names the field, and the next one goes through", async () => {
    await using world = await createWorld();
    const writer = await world.agent({ id: "writer" });
    await assert.rejects(writer.publish("not a topic", { type: "t" }), { code: "invalid_argument", message: /topic/ });
    await assert.rejects(writer.publish("big", { type: "t", payload: new Uint8Array(1_048_577) }), {
      code: "resource_exhausted",
      message: /1048576/,
    });
    assert.equal((await writer.publish("fine", { type: "t" })).matched, 0);
  });

  test("come to later subscriptions too, by quality and type, until these end", async () => {
    await using world = await createWorld();
    const inbox = new Inbox();
    const reader = await world.agent({ id: "reader" });
    const writer = await world.agent({ id: "writer" });
    const id = await reader.subscribe("late.*", { qos: "realtime", eventTypes: ["wanted"] }, inbox.onEvent);
    await writer.publish("late.a", { type: "unwanted", payload: "0" });
    await writer.publish("late.b", { type: "wanted", payload: "1" });
    assert.deepEqual(await inbox.texts(1), ["1"]);
    await reader.unsubscribe(id);
    assert.equal((await writer.publish("late.c", { type: "wanted" })).matched, 0);
  });

  test("wait for a handler that is slow, and its agent still answers requests and calls meanwhile", async () => {
    await using world = await createWorld();
    const release = Promise.withResolvers<void>();
    const inbox = new Inbox();
    const slow = await world.agent({
      id: "slow",
      topics: ["work"],
      onEvent: async (context, envelope) => {
        await release.promise;
        inbox.onEvent(context, envelope);
      },
    });
    const answering = await world.agent({
      id: "answering",
      topics: ["question"],
      onEvent: (context) => context.reply("42").then(() => {}),
    });
    for (let index = 0; index < 1000; index += 1) await answering.post("work", { type: "n", payload: String(index) });
    assert.equal((await slow.request("question", "?")).text(), "42");
    release.resolve();
    assert.equal((await inbox.texts(1000)).at(-1), "999");
  });

  test("that a realtime subscriber is too slow for are dropped oldest first and its publisher never waits", async () => {
    await using world = await createWorld();
    const begun = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const inbox = new Inbox();
    await world.agent({
      id: "slow",
      window: 1,
      subscriptions: [{ filters: ["tick"], qos: "realtime" }],
      onEvent: async (context, envelope) => {
        begun.resolve();
        await release.promise;
        inbox.onEvent(context, envelope);
      },
    });
    const writer = await world.agent({ id: "writer" });
    await writer.post("tick", { type: "n", payload: "1" });
    await begun.promise;
    for (let index = 2; index <= 2000; index += 1) await writer.post("tick", { type: "n", payload: String(index) });
    await writer.publish("elsewhere", { type: "n" });
    release.resolve();
    const texts = await inbox.texts(513);
    assert.deepEqual(texts, ["1", ...Array.from({ length: 512 }, (_, index) => String(index + 1489))]);
    const { total } = await world.client().getStats();
    assert.equal(total?.dropped, 1487n);
  });

  test("of an exception in a handler: it is reported, the stream lives, the next event is handled", async () => {
    await using world = await createWorld();
    const inbox = new Inbox();
    const problems: unknown[] = [];
    await world.agent({
      id: "reader",
      topics: ["a"],
      onError: (error) => problems.push(error),
      onEvent: (context, envelope) => {
        inbox.onEvent(context, envelope);
        if (envelope.text() === "bad") throw new Error("handler failed");
      },
    });
    const writer = await world.agent({ id: "writer" });
    for (const payload of ["bad", "good"]) await writer.publish("a", { type: "t", payload });
    assert.deepEqual(await inbox.texts(2), ["bad", "good"]);
    assert.match(String(problems[0]), /handler failed/);
  });

  test("kept events that come with the bridge's first word find an agent that is online and may publish", async () => {
    await using world = await createWorld();
    const writer = await world.agent({ id: "writer" });
    for (const id of ["1", "2", "3"]) await writer.publish("kept.a", { type: "t", id });
    const found: string[] = [];
    const all = Promise.withResolvers<void>();
    const reader = new Agent({
      id: "reader",
      client: world.client(),
      onError: all.reject,
      subscriptions: [
        {
          filters: "kept.*",
          start: "oldest",
          handler(_, { id }) {
            found.push(`${id} ${reader.status.state}`);
            void reader.post("answers", { type: "t" });
            if (id === "3") all.resolve();
          },
        },
      ],
    });
    await reader.start();
    await all.promise;
    await reader.stop();
    assert.deepEqual(found, ["1 online", "2 online", "3 online"]);
  });
});

describeInEveryWorld("requests", (createWorld) => {
  test("are answered by the first reply, 1000 at once and from inside handlers, and leave nothing", async () => {
    await using world = await createWorld();
    await world.agent({
      id: "square",
      topics: ["square"],
      concurrency: 16,
      onEvent: async (context, envelope) => {
        const increment = await context.request("increment", envelope.text());
        await context.reply(Number(increment.json()) ** 2);
      },
    });
    await world.agent({
      id: "increment",
      topics: ["increment"],
      onEvent: async (context, envelope) => {
        await context.reply(Number(envelope.json()) + 1);
      },
    });
    const asking = await world.agent({ id: "asking" });
    const replies = await Promise.all(
      Array.from({ length: 1000 }, (_, index) => asking.request("square", index, { timeoutMs: 240_000 })),
    );
    assert.deepEqual(
      replies.map((reply) => reply.json()),
      Array.from({ length: 1000 }, (_, index) => (index + 1) ** 2),
    );
    const { agents } = await world.client().listAgents();
    assert.deepEqual(
      agents.map(({ agentId, subscriptions }) => [agentId, subscriptions.length]),
      [
        ["asking", 1],
        ["increment", 2],
        ["square", 2],
      ],
    );
  });

  test("that nobody answers end in time, and with nobody there at once", async () => {
    await using world = await createWorld();
    const asking = await world.agent({ id: "asking" });
    await assert.rejects(asking.request("void", "?", { timeoutMs: 60_000 }), { code: "unavailable" });
    await world.agent({ id: "mute", topics: ["mute"] });
    await assert.rejects(asking.request("mute", "?", { timeoutMs: 50 }), { code: "deadline_exceeded" });
    await assert.rejects(asking.request("mute", "?", { timeoutMs: 0 }), { code: "invalid_argument" });
  });
});
