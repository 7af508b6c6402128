import assert from "node:assert/strict";
import type { Probe, TestBridge } from "@loom-bridge/testing";
import { desk, type Order, quote, value } from "./desk.ts";

/** What is on which topic. It makes probes typed. */
export type Topics = { "orders.new": Order; "orders.filled": { id: string; usd: number } };

type Bridge = TestBridge<Topics>;

const order: Order = { id: "o-1", symbol: "BTC", lots: 2 };

/** The desk, a customer that the test plays, and a market that the test makes up. */
async function openDesk(bridge: Bridge): Promise<Probe<Topics>> {
  bridge.tools.fake(quote).reply(({ symbol }) => ({ usd: symbol === "BTC" ? 64_000 : 1 }));
  await bridge.agent(desk);
  return bridge.probe("customer", { topics: ["orders.filled"] });
}

/** Five tests of an agent, for whatever runner. */
export const cases: Readonly<Record<string, (bridge: Bridge) => Promise<void>>> = {
  async "the handler fills an order at the market's price"(bridge) {
    const customer = await openDesk(bridge);
    await customer.publish("orders.new", order);
    const { payload } = await customer.expectNext({ topic: "orders.filled", sender: "desk" });
    assert.deepEqual(payload, { id: "o-1", usd: 128_000 });
    await customer.expectNone();
  },

  async "the tool answers, and refuses what makes no sense"(bridge) {
    const customer = await openDesk(bridge);
    assert.deepEqual(await customer.callTool(value, { lots: 3, usd: 10 }), { usd: 30 });
    await assert.rejects(customer.callTool(value, { lots: -1, usd: 10 }), { toolCode: "INVALID_ARGUMENTS" });
  },

  async "an order that is placed while the bridge is away is filled when it is back"(bridge) {
    const customer = await openDesk(bridge);
    await bridge.crash({ keepStore: true });
    const placing = customer.publish("orders.new", order);
    await bridge.clock.advance("10s");
    bridge.start();
    await placing;
    await customer.expectNext({ topic: "orders.filled", payload: { id: "o-1" } });
  },

  async "an order that comes twice is filled once"(bridge) {
    const customer = await openDesk(bridge);
    // The receipt is lost, so the customer sends again; and the customer places the order again besides.
    bridge.faults.cut({ link: "customer", kind: "receiptBatch" }, "before");
    await customer.publish("orders.new", order);
    await customer.publish("orders.new", order);
    await customer.expectNext("orders.filled");
    await customer.expectNone({ for: "5m" });
  },

  async "twenty orders are filled, each once, on a network that loses and delays"(bridge) {
    const customer = await openDesk(bridge);
    bridge.faults.latency("20ms", { jitter: "80ms" });
    bridge.faults.cut({ link: "desk", chance: 0.05, times: Number.POSITIVE_INFINITY });
    const ids = Array.from({ length: 20 }, (_, index) => `o-${index}`);
    for (const id of ids) await customer.publish("orders.new", { ...order, id });
    await customer.expectAllOf(
      ids.map((id) => ({ topic: "orders.filled", payload: { id } })),
      { within: "10m" },
    );
    await customer.expectNone({ for: "10m" });
  },
};
