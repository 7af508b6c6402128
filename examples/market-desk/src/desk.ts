import { z } from "zod";

// What the agents of the desk agree on: where events go, what they carry, and whose memory holds the plans.

/** One session for the whole desk: the planner writes plans into it, the executor their executions. */
export const sessionId = "market-desk";

export const topics = {
  price: (symbol: string) => `market.price.${symbol}`,
  plan: (symbol: string) => `market.plan.${symbol}`,
  /** An agent says, as its last word, that it is done; the payload is its count of the day. */
  closed: (agentId: string) => `market.closed.${agentId}`,
};

/** What happened, said by an event's type. */
export const types = { price: "market.price", plan: "market.plan", closed: "market.closed" };

/** The price of a share on the first day of a month. */
export const Bar = z.object({
  symbol: z.string(),
  date: z.iso.date(),
  price: z.number().positive(),
});
export type Bar = z.infer<typeof Bar>;

/** What the planner wants done, under the name that the bridge's memory gave it. */
export const Plan = z.object({
  planHash: z.string(),
  action: z.enum(["BUY", "SELL"]),
  confidence: z.number(),
  sizeUsd: z.int(),
  bar: Bar,
});
export type Plan = z.infer<typeof Plan>;

/** What the bridge answers to GetExecutionStats. */
export const ExecutionStats = z.object({
  totalExecutions: z.int(),
  successfulExecutions: z.int(),
  failedExecutions: z.int(),
  winRate: z.number(),
  duplicatePrevented: z.int(),
});

export const FeedCount = z.object({ prices: z.int() });
export const AnalystCount = z.object({ served: z.int() });
export const PlannerCount = z.object({
  plans: z.int(),
  duplicates: z.int(),
  /** How long each tool call took. */
  toolCallsMs: z.array(z.number()),
});
export const ExecutorCount = z.object({
  /** Plans that came, also those that had come before. */
  told: z.int(),
  executed: z.int(),
  alreadyExecuted: z.int(),
  /** Plans whose next bar never came. */
  open: z.int(),
  volumeUsd: z.int(),
  profitUsd: z.number(),
  stats: ExecutionStats,
});

export type FeedCount = z.infer<typeof FeedCount>;
export type AnalystCount = z.infer<typeof AnalystCount>;
export type PlannerCount = z.infer<typeof PlannerCount>;
export type ExecutorCount = z.infer<typeof ExecutorCount>;
