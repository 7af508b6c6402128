import { createAgent, type EventContext } from "@loom-bridge/client";
import { giveUp, runAgent } from "./agent-process.ts";
import { Bar, ExecutionStats, type ExecutorCount, Plan, sessionId, topics, types } from "./desk.ts";

// The executor: trades every plan on paper, once, when the next bar shows what became of it.

const bars = new Map<string, Bar[]>();
let open: Plan[] = [];
let agentsDone = 0;
const count = { told: 0, executed: 0, alreadyExecuted: 0, volumeUsd: 0, profitUsd: 0 };

const agent = createAgent({
  id: "executor",
  topics: [topics.price("*"), topics.plan("*"), topics.closed("feed"), topics.closed("planner")],
  onError: giveUp,
  async onEvent(context, event) {
    if (event.type === types.closed) {
      agentsDone += 1;
      if (agentsDone === 2) await close(context);
      return;
    }
    if (event.type === types.price) {
      const bar = Bar.parse(event.json());
      bars.set(bar.symbol, [...(bars.get(bar.symbol) ?? []), bar]);
    } else {
      count.told += 1;
      open.push(Plan.parse(event.json()));
    }
    await executePlans();
  },
});
const memory = agent.client.memory(sessionId);
await runAgent(agent);

async function executePlans(): Promise<void> {
  const waiting: Plan[] = [];
  for (const plan of open) {
    const next = bars.get(plan.bar.symbol)?.find(({ date }) => date > plan.bar.date);
    if (next === undefined) waiting.push(plan);
    else await execute(plan, next);
  }
  open = waiting;
}

async function execute({ planHash, action, confidence, sizeUsd, bar }: Plan, next: Bar): Promise<void> {
  const gain = (next.price / bar.price - 1) * (action === "BUY" ? 1 : -1);
  const { alreadyExecuted } = await memory.markExecuted(planHash, {
    timestampMs: Date.parse(next.date),
    symbol: bar.symbol,
    action,
    confidence,
    status: gain > 0 ? "success" : "error",
    executed: true,
    orderSizeUsdt: sizeUsd,
    errorMessage: gain > 0 ? "" : `${bar.symbol} went from ${bar.price} to ${next.price}`,
  });
  if (alreadyExecuted) {
    count.alreadyExecuted += 1;
    return;
  }
  count.executed += 1;
  count.volumeUsd += sizeUsd;
  count.profitUsd += sizeUsd * gain;
}

async function close(context: EventContext): Promise<void> {
  const stats = ExecutionStats.parse(await memory.executionStats());
  const payload: ExecutorCount = { ...count, open: open.length, stats };
  await context.emit(topics.closed("executor"), types.closed, payload);
}
