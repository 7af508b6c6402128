import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { testBridge } from "../test-bridge.ts";

/** An author, and a reader who keeps what it gets. */
const createPair = async (bridge = testBridge()) => ({
  bridge,
  author: await bridge.probe("author"),
  reader: await bridge.probe("reader", { topics: ["news"] }),
});

describe("a message", () => {
  test("that is lost on its way, with its connection, is sent again and delivered once", async () => {
    const { bridge, author, reader } = await createPair();
    await using _ = bridge;
    const fault = bridge.faults.cut({ link: "author", direction: "up", topic: "news" }, "before");
    const receipt = await author.publish("news", 1);
    assert.deepEqual([fault.hits, receipt.duplicate], [1, false]);
    await reader.expectNext({ payload: 1 });
    await reader.expectNone({ for: "1m" });
  });

  test("whose answer is lost is sent again too, and delivered once all the same", async () => {
    const { bridge, author, reader } = await createPair();
    await using _ = bridge;
    bridge.faults.cut({ link: "author", kind: "receiptBatch" }, "before");
    const receipt = await author.publish("news", 1);
    assert.equal(receipt.duplicate, true);
    await reader.expectNext({ payload: 1 });
    await reader.expectNone({ for: "1m" });
  });

  test("whose connection breaks right after it needs no repeating", async () => {
    const { bridge, author, reader } = await createPair();
    await using _ = bridge;
    bridge.faults.cut({ link: "author", kind: "receiptBatch" }, "after");
    assert.equal((await author.publish("news", 1)).duplicate, false);
    await bridge.settle();
    assert.equal(bridge.link("author").calls, 0);
    await reader.expectNext({ payload: 1 });
  });

  test("can be late alone, and what is sent after it comes first", async () => {
    const { bridge, author, reader } = await createPair();
    await using _ = bridge;
    bridge.faults.delay({ link: "reader", direction: "down", topic: "news" }, "2s");
    await author.publish("news", "late");
    await author.publish("news", "punctual");
    const first = await reader.expectNext({ payload: "punctual" });
    const second = await reader.expectNext({ payload: "late" });
    assert.equal(second.atMs - first.atMs, 2000);
  });

  test("can be dropped, doubled, and come after the next one", async () => {
    const { bridge, author, reader } = await createPair();
    await using _ = bridge;
    const where = { link: "reader", direction: "down", kind: "eventBatch" } as const;
    bridge.faults.drop(where);
    await author.publish("news", "dropped");
    bridge.faults.duplicate(where, 3);
    await author.publish("news", "three times");
    bridge.faults.reorder(where);
    await author.publish("news", "second");
    await author.publish("news", "first");
    await bridge.clock.advance("1s");
    const seen = reader.drain().map(({ payload }) => payload);
    assert.deepEqual(seen, ["three times", "three times", "three times", "first", "second"]);
  });

  test("that is damaged ends its stream, or is skipped, and nothing worse", async () => {
    const { bridge, author, reader } = await createPair();
    await using _ = bridge;
    bridge.faults.corrupt({ link: "author", direction: "up", kind: "publishBatch", times: 5 });
    for (let index = 0; index < 20; index += 1) {
      await bridge.run(author.agent.post("news", { type: "t", payload: index }));
      await bridge.clock.advance("10s");
    }
    assert.ok(reader.drain().length >= 15);
    assert.equal(author.agent.status.state, "online");
  });

  test("can be answered with an error in the bridge's place", async () => {
    await using bridge = testBridge();
    const client = bridge.client({ link: "cli" });
    bridge.faults.fail({ link: "cli", kind: "listAgents" }, Code.ResourceExhausted, "too many questions");
    await assert.rejects(bridge.run(client.listAgents()), {
      code: "resource_exhausted",
      message: /too many questions/,
    });
    assert.deepEqual((await bridge.run(client.listAgents())).agents, []);
  });

  test("is hit by chance as the seed says", async () => {
    const dropped = async (seed: number): Promise<unknown[]> => {
      const { bridge, author, reader } = await createPair(testBridge({ seed }));
      await using _ = bridge;
      bridge.faults.drop({ link: "reader", kind: "eventBatch", chance: 0.5, times: Number.POSITIVE_INFINITY });
      for (let index = 0; index < 20; index += 1) await author.publish("news", index);
      await bridge.settle();
      return reader.drain().map(({ payload }) => payload);
    };
    const [one, again, other] = [await dropped(1), await dropped(1), await dropped(2)];
    assert.deepEqual(one, again);
    assert.notDeepEqual(one, other);
    assert.ok(one.length > 2 && one.length < 18);
  });
});

describe("a link", () => {
  test("has a latency, both ways, and keeps its order", async () => {
    const { bridge, author, reader } = await createPair();
    await using _ = bridge;
    bridge.faults.latency("100ms", { link: "author" });
    bridge.faults.latency("10ms", { link: "reader", jitter: "50ms" });
    const startMs = bridge.clock.elapsedMs();
    await author.publish("news", 1);
    assert.equal(bridge.clock.elapsedMs() - startMs, 200);
    for (const index of [2, 3, 4, 5]) await author.publish("news", index);
    assert.deepEqual(
      (await reader.expectNextN(5)).map(({ payload }) => payload),
      [1, 2, 3, 4, 5],
    );
  });

  test("that is held delivers nothing, fills its window, and goes on when it is released", async () => {
    const { bridge, author, reader } = await createPair(testBridge({ windowBytes: 1000 }));
    await using _ = bridge;
    const hold = bridge.faults.stallReads("reader");
    for (let index = 0; index < 20; index += 1) await author.publish("news", "x".repeat(200));
    await bridge.settle();
    const { unreadBytes, underWay } = bridge.link("reader");
    assert.ok(unreadBytes.down >= 1000 && unreadBytes.down < 2000, `${unreadBytes.down} bytes are unread`);
    assert.ok(underWay.down > 0);
    await reader.expectNone();
    hold.remove();
    await reader.expectNextN(20);
    assert.equal(bridge.link("reader").unreadBytes.down, 0);
    assert.match(
      String(bridge.timeline),
      /reader ← bridge {2}its window of 1000 bytes is full[^]*reader ← bridge {2}its window of 1000 bytes has room again/,
    );
  });

  test("that is slow delivers so many messages a second", async () => {
    const { bridge, author, reader } = await createPair();
    await using _ = bridge;
    bridge.faults.slow(2, { link: "reader", direction: "down" });
    for (const index of [1, 2, 3, 4]) await author.publish("news", index);
    const times = (await reader.expectNextN(4)).map(({ atMs }) => atMs);
    assert.deepEqual(
      times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0)),
      [500, 500, 500],
    );
  });

  test("that is cut one way is noticed by silence, and agents come back when it heals", async () => {
    const { bridge, author, reader } = await createPair();
    await using _ = bridge;
    const partition = bridge.faults.partition({ link: "reader", direction: "down" });
    await author.publish("news", "lost in it");
    await bridge.clock.runUntil(() => reader.agent.status.state === "reconnecting", { within: "3m" });
    assert.ok(bridge.clock.elapsedMs() >= 90_000);
    partition.remove();
    await bridge.clock.runUntil(() => reader.agent.status.state === "online", { within: "2m" });
    await author.publish("news", "after it");
    await reader.fishFor({ payload: "after it" });
  });
});

test("a partition that lasts to the end leaves nothing, whatever was tried in it", async () => {
  const { bridge, author } = await createPair();
  await using _ = bridge;
  bridge.faults.partition({ link: "author" });
  await bridge.clock.advance("5m");
  assert.equal(author.agent.status.state, "reconnecting");
});

describe("a bridge", () => {
  test("that crashes keeps its stores or loses them", async () => {
    for (const keepStore of [true, false]) {
      const { bridge, author } = await createPair();
      await using _ = bridge;
      await bridge.run(author.agent.memory.savePlan({ symbol: "BTC", action: "BUY" }));
      await bridge.crash({ keepStore });
      await bridge.clock.advance("5s");
      assert.equal(author.agent.status.state, "reconnecting");
      bridge.start();
      const { success } = await bridge.run(
        author.agent.memory.savePlan({ symbol: "BTC", action: "BUY" }, { onlyIfNew: true }),
      );
      assert.equal(success, !keepStore);
    }
  });
});

test("faults that are taken back, by name or with their block, are gone, and one that hit nothing is told at the end", async () => {
  const { bridge, author, reader } = await createPair();
  {
    using drop = bridge.faults.drop({ topic: "news" });
    assert.equal(drop.isDue, true);
  }
  await author.publish("news", 1);
  await reader.expectNext();
  bridge.faults.latency("1h");
  bridge.faults.clear();
  await author.publish("news", 2);
  bridge.faults.drop({ topic: "elsewhere" });
  await assert.rejects(bridge.close(), /fault that hit nothing: drop elsewhere/);
});
