import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { testBridge } from "../test-bridge.ts";

type Topics = {
  "orders.new": { id: number; lots?: number };
  "orders.done": { id: number };
};

const createPair = async (bridge = testBridge<Topics>()) => ({
  bridge,
  probe: await bridge.probe("probe", { topics: ["orders.*"] }),
  boss: await bridge.probe("boss"),
});

describe("a probe", () => {
  test("takes what it received one by one, typed by topic, and nothing else comes", async () => {
    const { bridge, probe, boss } = await createPair();
    await using _ = bridge;
    await boss.publish("orders.new", { id: 1, lots: 3 });
    await boss.publish("orders.done", { id: 1 }, { type: "fill" });
    const order = await probe.expectNext({ topic: "orders.new", sender: "boss", payload: { id: 1 } });
    const lots: number | undefined = order.payload.lots;
    assert.deepEqual([order.type, lots], ["new", 3]);
    await probe.expectNext({ topic: "orders.done", type: "fill", payload: ({ id }) => id === 1 });
    await probe.expectNone();
    assert.equal(probe.history.length, 2);
  });

  test("that received something else says what, with the story", async () => {
    const { bridge, probe, boss } = await createPair();
    await using _ = bridge;
    await boss.publish("orders.new", { id: 2 });
    await assert.rejects(probe.expectNext({ payload: { id: 1 } }), (error: Error) => {
      assert.match(
        error.message,
        /probe expected an event with payload \{"id":1\}, and received\n {2}orders\.new "new" \{"id":2\}/,
      );
      assert.match(error.message, /boss → bridge {2}publishBatch orders\.new "new" \{"id":2\}/);
      return true;
    });
    await assert.rejects(probe.expectNone(), /expected nothing, and received/);
  });

  test("waits in virtual time, and gives up in virtual time", async () => {
    const { bridge, probe, boss } = await createPair();
    await using _ = bridge;
    bridge.bridge.runtime.setTimer(
      () => void boss.agent.publish("orders.new", { type: "new", payload: { id: 9 } }),
      30_000,
    );
    await probe.expectNext("orders.new");
    assert.equal(bridge.clock.elapsedMs(), 30_000);
    await assert.rejects(probe.expectNext("orders.new", { within: "5s" }), /waited 5s of virtual time/);
    assert.equal(bridge.clock.elapsedMs(), 35_000);
  });

  test("fishes, and takes in any order", async () => {
    const { bridge, probe, boss } = await createPair();
    await using _ = bridge;
    for (const id of [1, 2, 3, 4, 5, 6]) await boss.publish("orders.new", { id });
    assert.deepEqual((await probe.fishFor({ payload: { id: 2 } })).payload, { id: 2 });
    await probe.expectUnordered([{ payload: { id: 4 } }, "orders.new"]);
    await probe.expectAllOf([{ payload: { id: 6 } }]);
    assert.deepEqual(probe.drain(), []);
    await boss.publish("orders.new", { id: 7 });
    await boss.publish("orders.new", { id: 8 });
    assert.deepEqual(
      (await probe.expectNextN(2)).map(({ payload }) => payload),
      [{ id: 7 }, { id: 8 }],
    );
    await boss.publish("orders.new", { id: 9 });
    await assert.rejects(probe.expectUnordered(["orders.done"]), /nothing was an event on orders\.done/);
  });

  test("gives each of several patterns an event of its own, whichever order that takes", async () => {
    const { bridge, probe, boss } = await createPair();
    await using _ = bridge;
    await boss.publish("orders.new", { id: 1 });
    await boss.publish("orders.done", { id: 1 });
    await probe.expectUnordered(["orders.*", "orders.new"]);
  });

  test("asks and answers", async () => {
    const { bridge, probe, boss } = await createPair();
    await using _ = bridge;
    const asking = boss.request("orders.new", { id: 5 });
    await probe.reply(await probe.expectNext("orders.new"), { fine: true });
    assert.deepEqual((await asking).payload, { fine: true });
  });

  test("expects none for a while, which takes no real time", async () => {
    const { bridge, probe, boss } = await createPair();
    await using _ = bridge;
    bridge.bridge.runtime.setTimer(() => void boss.agent.publish("orders.new", { type: "new" }), 3000);
    await probe.expectNone({ for: "2s" });
    await assert.rejects(probe.expectNone({ for: "2s" }), /expected nothing/);
  });
});
