import { setTimeout as wait } from "node:timers/promises";
import { BridgeClient } from "@loom-bridge/client";
import { startBridge } from "./bridge.ts";
import { AnalystCount, ExecutorCount, FeedCount, PlannerCount, topics } from "./desk.ts";
import type { Child, Processes } from "./processes.ts";
import { countStored, type StoredCount } from "./stored.ts";
import { type DeskWatch, watchDesk } from "./watch-desk.ts";
import { within } from "./within.ts";

export interface DeskOptions {
  readonly processes: Processes;
  /** Ends the run when it aborts. */
  readonly signal: AbortSignal;
  readonly dataFile: string;
  /** How long the feed waits from month to month. */
  readonly paceMs: number;
  onStart(address: string): void;
  onChange(watch: DeskWatch): void;
}

/** What the bus counted on a family of topics. */
export interface BusCount {
  readonly published: number;
  readonly delivered: number;
  readonly dropped: number;
}

/** What the day came to, by everyone who counted. */
export interface Day {
  readonly feed: FeedCount;
  readonly analyst: AnalystCount;
  readonly planner: PlannerCount;
  readonly executor: ExecutorCount;
  readonly watch: Pick<DeskWatch, "prices" | "announcements" | "plans">;
  readonly bus: { readonly prices: BusCount; readonly plans: BusCount };
  readonly stored: StoredCount;
  readonly durationMs: number;
}

const agents = ["analyst", "planner", "executor"];
const startLimitMs = 30_000;
const closeLimitMs = 120_000;
const stopLimitMs = 10_000;
/** More than the tape has months, with those that come twice. */
const mostMonths = 200;

/** Runs the desk from the first bar to the last, stops it, and looks into the memory that it left behind. */
export async function runDesk(options: DeskOptions): Promise<Day> {
  const { processes, signal, dataFile } = options;
  const started = performance.now();
  const bridge = await startBridge(processes, dataFile, signal);
  options.onStart(bridge.address);
  const day = await trade(bridge.address, options);
  await bridge.stop();

  const again = await startBridge(processes, dataFile, signal);
  const stored = await countStored(again.address, [...day.watch.plans.values()]);
  await again.stop();
  return { ...day, stored, durationMs: performance.now() - started };
}

async function trade(address: string, options: DeskOptions): Promise<Omit<Day, "stored" | "durationMs">> {
  const { processes, signal, paceMs, onChange } = options;
  await using client = new BridgeClient({ address });
  await using watch = await watchDesk(address, onChange);
  const startAgent = (name: string, more: { args?: string[]; mayEnd?: boolean } = {}): Child => {
    const file = new URL(`./${name}.ts`, import.meta.url);
    return processes.start({ name, file, env: { LOOM_BRIDGE_ADDR: address }, ...more });
  };

  const children = agents.map((name) => startAgent(name));
  const connected = waitUntilConnected(client, agents, signal);
  await within(startLimitMs, signal, () => "the agents did not connect", connected);

  const feed = startAgent("feed", { args: [String(paceMs)], mayEnd: true });
  const everyone = ["feed", ...agents];
  const missing = (): string => everyone.filter((id) => !watch.closed.has(id)).join(", ");
  const limitMs = closeLimitMs + paceMs * mostMonths;
  await within(limitMs, signal, () => `${missing()} did not come to an end`, watch.whenClosed(everyone));

  // Before the agents leave: the bus forgets the counts of a topic that nobody listens to.
  const bus = { prices: await countBus(client, topics.price("*")), plans: await countBus(client, topics.plan("*")) };
  await within(stopLimitMs, signal, () => "the feed did not end", feed.exited);
  await Promise.all(children.map((child) => child.stop()));
  return {
    feed: FeedCount.parse(watch.closed.get("feed")),
    analyst: AnalystCount.parse(watch.closed.get("analyst")),
    planner: PlannerCount.parse(watch.closed.get("planner")),
    executor: ExecutorCount.parse(watch.closed.get("executor")),
    watch,
    bus,
  };
}

async function waitUntilConnected(client: BridgeClient, ids: readonly string[], signal: AbortSignal): Promise<void> {
  for (;;) {
    const directory = await client.listAgents({}, { signal });
    if (ids.every((id) => directory.agents.some(({ agentId }) => agentId === id))) return;
    await wait(50, undefined, { signal });
  }
}

async function countBus(client: BridgeClient, filter: string): Promise<BusCount> {
  const { topics: each } = await client.getStats({ filter });
  return {
    published: each.reduce((sum, { published }) => sum + Number(published), 0),
    delivered: each.reduce((sum, { delivered }) => sum + Number(delivered), 0),
    dropped: each.reduce((sum, { dropped }) => sum + Number(dropped), 0),
  };
}
