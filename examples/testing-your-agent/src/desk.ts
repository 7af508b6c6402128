import { type AgentOptions, defineTool, type Envelope, type EventContext } from "@loom-bridge/client";
import { z } from "zod";

// The agent that the tests are about: it fills each order once, at the price that a tool names.

export type Order = { id: string; symbol: string; lots: number };

/** Somebody else's tool. */
export const quote = defineTool({
  name: "market:quote",
  description: "The price of a symbol",
  input: z.object({ symbol: z.string() }),
  output: z.object({ usd: z.number() }),
  effect: "read",
  run: () => Promise.reject(new Error("the market is not here")),
});

/** The desk's own tool. */
export const value = defineTool({
  name: "desk:value",
  description: "What an order is worth",
  input: z.object({ lots: z.number().positive(), usd: z.number() }),
  run: ({ lots, usd }) => ({ usd: lots * usd }),
});

async function fill(context: EventContext, envelope: Envelope): Promise<void> {
  const { id, symbol, lots } = envelope.json() as Order;
  const { usd } = await context.tool(quote, { payload: { symbol } });
  // Whatever is done twice on the way here: the bridge delivers an event of the same id once.
  await context.emit("orders.filled", { type: "filled", id: `filled-${id}`, payload: { id, usd: usd * lots } });
}

export const desk: Omit<AgentOptions, "client"> = {
  id: "desk",
  tools: [value],
  subscriptions: [{ filters: "orders.new", delivered: "at-least-once", handler: fill }],
};
