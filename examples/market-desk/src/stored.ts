import { BridgeClient } from "@loom-bridge/client";
import { type Plan, sessionId } from "./desk.ts";

/** Of the plans that were asked about, those that the bridge still knows. */
export interface StoredCount {
  readonly plans: number;
  readonly executions: number;
}

/** Asks a bridge for each of the plans, and whether it was executed. */
export async function countStored(address: string, plans: readonly Plan[]): Promise<StoredCount> {
  await using client = new BridgeClient({ address });
  const memory = client.memory(sessionId);
  const count = { plans: 0, executions: 0 };
  const ask = async ({ planHash, action, bar }: Plan): Promise<void> => {
    const plan = { symbol: bar.symbol, action, timestampMs: Date.parse(bar.date) };
    const { duplicatePlan } = await memory.checkDuplicate(plan, { timeWindowSec: 1 });
    if (duplicatePlan?.planHash === planHash) count.plans += 1;
    const { isExecuted } = await memory.checkExecuted(planHash);
    if (isExecuted) count.executions += 1;
  };
  await Promise.all(plans.map(ask));
  return count;
}
