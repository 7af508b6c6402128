import { createAgent, defineTool } from "@loom-bridge/client";
import { z } from "zod";
import { giveUp, runAgent } from "./agent-process.ts";
import { type AnalystCount, topics, types } from "./desk.ts";

// The analyst: provides two tools. Whoever is connected to the bridge can call them, in any language.

const input = z.object({
  prices: z.array(z.number().positive()).min(3).max(1000).describe("Closing prices, oldest first"),
});
const count: AnalystCount = { served: 0 };

const movingAverage = defineTool({
  name: "market:moving_average",
  description: "The mean of the prices.",
  input,
  output: z.number(),
  run({ prices }) {
    count.served += 1;
    return mean(prices);
  },
});

const volatility = defineTool({
  name: "market:volatility",
  description: "The standard deviation of the returns from each price to the next: 0.05 is 5 % a bar.",
  input,
  output: z.number(),
  run({ prices }) {
    count.served += 1;
    const returns = prices.slice(1).map((price, index) => price / (prices[index] ?? price) - 1);
    const average = mean(returns);
    const squares = returns.map((each) => (each - average) ** 2);
    return Math.sqrt(sum(squares) / (returns.length - 1));
  },
});

const agent = createAgent({
  id: "analyst",
  tools: [movingAverage, volatility],
  topics: [topics.closed("planner")],
  onError: giveUp,
  // The planner is done, so nobody calls any more.
  onEvent: (context) => context.emit(topics.closed("analyst"), types.closed, count),
});
await runAgent(agent);

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
