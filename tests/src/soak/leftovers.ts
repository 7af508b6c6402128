import { setTimeout as pause } from "node:timers/promises";
import type { BridgeClient } from "@loom-bridge/client";
import type { DurableBridge } from "./start-durable-bridge.ts";

/** What a bridge has of everything that comes with agents and must go with them. */
export type Holdings = Readonly<
  Record<"sockets" | "timers" | "agents" | "tools" | "subscriptions" | "backlog", number>
>;

const patienceMs = 30_000;

export async function lookAt(bridge: DurableBridge, client: BridgeClient): Promise<Holdings> {
  const { agents, tools } = await client.getInfo();
  const { total } = await client.getStats();
  const { sockets, timers } = await bridge.usage();
  const { activeSubscriptions: subscriptions = 0, backlog = 0n } = total ?? {};
  return { sockets, timers, agents, tools, subscriptions, backlog: Number(backlog) };
}

/** Waits until a bridge has no more than when it was fresh, and says what it still has when it does not come to that. */
export async function findLeftovers(fresh: Holdings, look: () => Promise<Holdings>): Promise<string[]> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    const now = await look();
    const more = (Object.keys(fresh) as (keyof Holdings)[]).filter((kind) => now[kind] > fresh[kind]);
    if (more.length === 0) return [];
    if (performance.now() > untilMs) {
      return more.map((kind) => `the bridge is left with ${now[kind]} ${kind}; it began with ${fresh[kind]}`);
    }
    await pause(500);
  }
}
