import { setTimeout as pause } from "node:timers/promises";
import { Agent, BridgeClient, type Envelope } from "@loom-bridge/client";
import { chooseAddress } from "./choose-address.ts";
import { countReconnects } from "./count-reconnects.ts";
import { startCuttingProxy } from "./cutting-proxy.ts";
import { Ledger } from "./ledger.ts";
import { findLeftovers, lookAt } from "./leftovers.ts";
import { startLoad } from "./load.ts";
import { MemoryWatch } from "./memory-watch.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { startDurableBridge } from "./start-durable-bridge.ts";
import { measureUsage } from "./usage.ts";

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Agents that do nothing but be there, and come back together after each restart. */
  readonly agents: number;
  /** Where the bridge keeps its files. */
  readonly folder: string;
  readonly report: (line: string) => void;
}

/** How long everybody may take to come back after a restart, and the last events to be handled. */
const backWithinMs = 30_000;
const reportEveryMs = 10_000;
const agentsPerConnection = 50;
/** After this share of the time the bridge is killed no more, so that it lives long enough for its memory to be judged. */
const restartShare = 0.4;
/** What the bridge remembers for a while, publishes for two minutes, is full by then. */
const warmUpMs = 150_000;
/** Of each topic: more than is published while a reader is away. */
const keptEvents = 20_000;

/** Runs for so many minutes and returns what went wrong. */
export async function runSoak({ minutes, seed, agents, folder, report }: SoakOptions): Promise<string[]> {
  const random = createSeededRandom(seed);
  const problems: string[] = [];
  const ledger = new Ledger();
  const socketsBefore = measureUsage().sockets;
  let bridge = await startDurableBridge(await chooseAddress(), folder, keptEvents);
  const watcher = new BridgeClient({ address: bridge.address });
  const fresh = await lookAt(bridge, watcher);
  const memory = { bridge: new MemoryWatch("the bridge"), agents: new MemoryWatch("the agents' process") };
  const proxy = await startCuttingProxy(bridge.address);
  const { address } = proxy;
  const reconnect = { stableAfterMs: 1000, maxDelayMs: 5000 };
  const clients = Array.from({ length: Math.ceil(agents / agentsPerConnection) }, () => new BridgeClient({ address }));
  const crowd = Array.from({ length: agents }, (_, index) => {
    const client = clients[index % clients.length];
    return new Agent({ id: `crowd-${index}`, reconnect, ...(client === undefined ? {} : { client }) });
  });
  const handler = (_context: unknown, envelope: Envelope): void => ledger.handle(envelope.text());
  const reader = new Agent({
    id: "reader",
    address,
    reconnect,
    subscriptions: [{ filters: "work.*", delivered: "at-least-once", handler }],
    onGap: ({ reason }) => problems.push(`the reader was told of a gap: ${reason}`),
  });
  const writers = Array.from({ length: 4 }, (_, index) => new Agent({ id: `writer-${index}`, address, reconnect }));
  const everybody = [...crowd, reader, ...writers];
  let cuts = 0;
  let restarts = 0;
  let slowestBackMs = 0;

  const restart = async (): Promise<void> => {
    restarts += 1;
    const { address: same } = bridge;
    await bridge.end(random() < 0.5 ? "SIGKILL" : "SIGTERM");
    bridge = await startDurableBridge(same, folder, keptEvents);
    const startedMs = performance.now();
    try {
      await watcher.waitForAgents(
        everybody.map(({ id }) => id),
        { timeoutMs: backWithinMs },
      );
    } catch (error) {
      problems.push(
        `not everybody was back ${backWithinMs} ms after restart ${restarts}: ${String(error).slice(0, 300)}`,
      );
    }
    slowestBackMs = Math.max(slowestBackMs, performance.now() - startedMs);
  };

  try {
    await Promise.all(everybody.map((agent) => agent.start()));
    const returns = countReconnects(reader);
    const load = startLoad(writers, ledger, "work.done", { atOnce: 4, pauseMs: 20 });
    const startedMs = performance.now();
    const status = (): string => {
      const seconds = Math.round((performance.now() - startedMs) / 1000);
      const megabytes = Math.round(process.memoryUsage().rss / 1_048_576);
      return (
        `${seconds} s: ${ledger.acknowledged} events, ${cuts} cuts, ${restarts} restarts, ${returns.count} returns of the ` +
        `reader, all back within ${Math.round(slowestBackMs)} ms, ${megabytes} MB`
      );
    };
    const durationMs = minutes * 60_000;
    const lastRestartMs = startedMs + durationMs * restartShare;
    let reportedMs = startedMs;
    let restartAtMs = startedMs + random() * 20_000;
    while (performance.now() - startedMs < durationMs) {
      await pause(random() * 1000);
      if (performance.now() >= restartAtMs && restartAtMs < lastRestartMs) {
        await restart();
        restartAtMs = performance.now() + 10_000 + random() * 20_000;
      } else {
        cuts += 1;
        proxy.cut();
      }
      if (performance.now() - reportedMs >= reportEveryMs) {
        reportedMs = performance.now();
        report(status());
        if (reportedMs < lastRestartMs + warmUpMs) continue;
        memory.bridge.add(await bridge.usage());
        memory.agents.add(measureUsage());
      }
    }
    await load.stop();
    await Promise.race([ledger.complete(), pause(backWithinMs, undefined, { ref: false })]);
    report(status());
    const { lost, doubled } = ledger;
    if (lost.length > 0) problems.push(`${lost.length} acknowledged events were lost, the first of them ${lost[0]}`);
    if (doubled.length > 0)
      problems.push(`${doubled.length} events were handled twice, the first of them ${doubled[0]}`);
    for (const watch of Object.values(memory)) {
      const judgement = watch.judge();
      report(judgement.line);
      problems.push(...judgement.problems);
    }
  } finally {
    await Promise.all(everybody.map((agent) => agent.drain({ timeoutMs: 1000 })));
    await Promise.all(clients.map((client) => client.disconnect()));
    await proxy[Symbol.asyncDispose]();
  }
  try {
    problems.push(...(await findLeftovers(fresh, () => lookAt(bridge, watcher))));
  } finally {
    await watcher.disconnect();
    await bridge.end("SIGKILL");
  }
  const more = measureUsage().sockets - socketsBefore;
  if (more > 0) problems.push(`the agents' process has ${more} more sockets than before`);
  return problems;
}
