import assert from "node:assert/strict";
import { test } from "node:test";
import { defineTool } from "@loom-bridge/client";
import { z } from "zod";
import { assertDeterministic } from "../explore/assert-deterministic.ts";
import { type TestBridge, testBridge } from "../test-bridge.ts";
import type { TestBridgeOptions } from "../test-bridge-options.ts";

const add = defineTool({
  name: "math:add",
  description: "Adds",
  input: z.object({ a: z.number(), b: z.number() }),
  output: z.object({ sum: z.number() }),
  run: async ({ a, b }) => ({ sum: a + b }),
});

/** Events, a tool, a plan, a lost connection and an error: every kind of call. */
async function aDay(bridge: TestBridge): Promise<void> {
  const desk = await bridge.probe("desk", { topics: ["orders.*"] });
  await bridge.agent({ id: "math", tools: [add] });
  const customer = await bridge.probe("customer");
  await customer.publish("orders.new", { lots: 1 });
  await desk.expectNext({ topic: "orders.new", sender: "customer", payload: { lots: 1 } });
  assert.deepEqual(await customer.callTool(add, { a: 1, b: 2 }), { sum: 3 });
  const client = bridge.client({ link: "memory" });
  const plan = { symbol: "BTC", action: "BUY" };
  await bridge.run(client.savePlan({ sessionId: "s", plan }));
  assert.equal((await bridge.run(client.getRecentPlans({ sessionId: "s" }))).plans[0]?.symbol, "BTC");
  await assert.rejects(bridge.run(client.savePlan({ sessionId: "", plan })), { code: "invalid_argument" });
  bridge.cut("desk");
  await customer.publish("orders.old", { lots: 2 });
  await bridge.clock.advance("2m");
  await desk.expectNext({ topic: "orders.old", payload: { lots: 2 } });
  await bridge.invariants();
}

async function timelineOf(options: TestBridgeOptions): Promise<TestBridge> {
  await using bridge = testBridge(options);
  await aDay(bridge);
  return bridge;
}

test("agents do the same in JSON as in protobuf, with fields of a later version and without", async () => {
  const { timeline } = await timelineOf({});
  for (const options of [{ codec: "json" }, { futureFields: true }, { codec: "json", futureFields: true }] as const) {
    const other = await timelineOf(options);
    assert.equal(other.timeline.toString(), timeline.toString(), JSON.stringify(options));
  }
});

test("a world that speaks JSON has nothing else on its links", async () => {
  const { timeline } = await timelineOf({ codec: "json" });
  assert.ok(timeline.frames.length > 20);
  for (const { bytes } of timeline.frames) assert.equal(typeof JSON.parse(Buffer.from(bytes).toString()), "object");
});

test("fields of a later version are in every message of both codecs, and in the events that they carry", async () => {
  for (const codec of ["proto", "json"] as const) {
    const { timeline } = await timelineOf({ codec, futureFields: true });
    for (const { bytes } of timeline.frames) assert.ok(Buffer.from(bytes).includes("of a later version"));
    // What an event has that the bridge does not know reaches its subscribers, behind a field of the bridge's own.
    for (const [direction, fields] of [
      ["up", 1],
      ["down", 2],
    ] as const) {
      const carriers = timeline.frames.filter((frame) => frame.direction === direction && frame.kind.endsWith("Batch"));
      const carried = carriers.flatMap(({ events }) => events);
      assert.ok(carried.length > 0);
      for (const { event } of carried) assert.equal(event?.$unknown?.length, fields);
    }
  }
});

test("the same seed makes the same run in JSON", () => assertDeterministic(aDay, { codec: "json" }));

test("a codec that there is not is refused, and the two are named", () => {
  assert.throws(() => testBridge({ codec: "xml" as "json" }), { message: /codec is "xml"; give "proto" or "json"/ });
});

test("what arrives is a copy: bytes that their writer uses again change nothing", async () => {
  await using bridge = testBridge();
  const reader = await bridge.probe("reader", { topics: ["a"] });
  const author = await bridge.probe("author");
  await author.publish("a", { value: 1 });
  const event = await reader.expectNext("a");
  const { frames } = bridge.timeline;
  for (const { bytes } of frames) assert.equal(bytes.constructor, Uint8Array);
  for (const { bytes } of frames) bytes.fill(0);
  assert.deepEqual(event.payload, { value: 1 });
});
