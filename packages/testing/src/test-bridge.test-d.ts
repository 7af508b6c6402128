import { defineTool } from "@loom-bridge/client";
import { z } from "zod";
import { testBridge } from "./test-bridge.ts";

// Checked by the compiler alone: what is known of payloads and tools is known of what comes of them.

type Topics = { "orders.new": { id: number; lots: number }; "orders.done": { id: number } };

declare const bridge: ReturnType<typeof testBridge<Topics>>;

const quote = defineTool({
  name: "market:quote",
  description: "A price",
  input: z.object({ symbol: z.string() }),
  output: z.object({ usd: z.number() }),
  run: () => ({ usd: 1 }),
});

export async function payloads(): Promise<void> {
  const probe = await bridge.probe("probe");
  const order = await probe.expectNext("orders.new");
  order.payload.lots satisfies number;
  await probe.expectNext({ topic: "orders.new", payload: { lots: 1 } });
  await probe.fishFor({ topic: "orders.done", payload: ({ id }) => id > 1 });
  await probe.publish("orders.done", { id: 1 });
  // @ts-expect-error: orders have lots
  await probe.publish("orders.new", { id: 1 });
  // @ts-expect-error: nothing is known of this topic
  await probe.publish("orders.lost", { id: 1 });
}

export async function tools(): Promise<void> {
  const fake = bridge.tools.fake(quote).reply({ usd: 1 });
  fake.calls[0]?.args.symbol satisfies string | undefined;
  fake.reply(({ symbol }) => ({ usd: symbol.length }), { when: { symbol: "BTC" } });
  // @ts-expect-error: a price is a number
  fake.reply({ usd: "1" });
  // @ts-expect-error: a symbol is a text
  fake.fail("BUSY", "later", { when: { symbol: 1 } });
}

export async function untyped(): Promise<void> {
  const plain = testBridge();
  const probe = await plain.probe("probe");
  await probe.publish("any.topic", { whatever: true });
  (await probe.expectNext("any.topic")).payload satisfies unknown;
  plain.tools.fake("any:tool").reply({ whatever: true });
}
