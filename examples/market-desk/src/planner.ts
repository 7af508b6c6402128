import { createAgent, type EventContext } from "@loom-bridge/client";
import { z } from "zod";
import { giveUp, runAgent } from "./agent-process.ts";
import { Bar, type Plan, type PlannerCount, sessionId, topics, types } from "./desk.ts";
import { decide, lookback } from "./rule.ts";

// The planner: asks the analyst about every price, decides, remembers what it decided and announces it.

/** Two plans for the same share and action within a week of market time are one plan. Bars are a month apart. */
const duplicateWindowSec = 7 * 24 * 3600;

const history = new Map<string, Bar[]>();
const count: PlannerCount = { plans: 0, duplicates: 0, toolCallsMs: [] };

const agent = createAgent({
  id: "planner",
  topics: [topics.price("*"), topics.closed("feed")],
  onError: giveUp,
  async onEvent(context, event) {
    if (event.type === types.price) await onPrice(context, Bar.parse(event.json()));
    else await context.emit(topics.closed("planner"), types.closed, count);
  },
});
const memory = agent.client.memory(sessionId);
await runAgent(agent);

async function onPrice(context: EventContext, bar: Bar): Promise<void> {
  const prices = pricesUpTo(bar);
  if (prices.length < lookback) return;
  const [average, volatility] = await Promise.all([
    callTool(context, "market:moving_average", { prices }),
    callTool(context, "market:volatility", { prices }),
  ]);
  const { action, confidence, sizeUsd, reason } = decide(bar.price, average, volatility);
  if (action === "HOLD") return;

  const { symbol, date } = bar;
  const reasoning = `${date}: ${reason}`;
  const saved = await memory.savePlan(
    { timestampMs: Date.parse(date), symbol, action, confidence, reasoning, method: "rule-based" },
    { onlyIfNew: true, timeWindowSec: duplicateWindowSec },
  );
  if (saved.success) count.plans += 1;
  else count.duplicates += 1;

  // A duplicate is announced under its first name: who missed the first time hears it now, and the executor knows it.
  const planHash = saved.duplicatePlan?.planHash ?? saved.planHash;
  const payload: Plan = { planHash, action, confidence, sizeUsd, bar };
  await context.emit(topics.plan(symbol), types.plan, payload);
}

/** The newest prices of a share at the time of the bar, which may be one that came before. */
function pricesUpTo(bar: Bar): number[] {
  const bars = history.get(bar.symbol) ?? [];
  if (bar.date > (bars.at(-1)?.date ?? "")) history.set(bar.symbol, [...bars, bar]);
  const known = (history.get(bar.symbol) ?? []).filter(({ date }) => date <= bar.date);
  return known.slice(-lookback).map(({ price }) => price);
}

async function callTool(context: EventContext, name: string, payload: object): Promise<number> {
  const started = performance.now();
  const output = await context.tool(name, { payload });
  count.toolCallsMs.push(performance.now() - started);
  return z.number().parse(output);
}
