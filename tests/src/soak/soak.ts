import { setTimeout as pause } from "node:timers/promises";
import { Agent, BridgeClient, type Envelope } from "@loom-bridge/client";
import { countReconnects } from "./count-reconnects.ts";
import { startCuttingProxy } from "./cutting-proxy.ts";
import { Ledger } from "./ledger.ts";
import { startLoad } from "./load.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { startDurableBridge } from "./start-durable-bridge.ts";

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

/** Runs for so many minutes and returns what went wrong. */
export async function runSoak({ minutes, seed, agents, folder, report }: SoakOptions): Promise<string[]> {
  const random = createSeededRandom(seed);
  const problems: string[] = [];
  const ledger = new Ledger();
  let bridge = await startDurableBridge("127.0.0.1:0", folder);
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
  const watcher = new BridgeClient({ address: bridge.address });
  let cuts = 0;
  let restarts = 0;
  let slowestBackMs = 0;

  const restart = async (): Promise<void> => {
    restarts += 1;
    const { address: same } = bridge;
    await bridge.end(random() < 0.5 ? "SIGKILL" : "SIGTERM");
    bridge = await startDurableBridge(same, folder);
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
    let reportedMs = startedMs;
    let restartAtMs = startedMs + random() * 20_000;
    while (performance.now() - startedMs < minutes * 60_000) {
      await pause(random() * 1000);
      if (performance.now() >= restartAtMs) {
        await restart();
        restartAtMs = performance.now() + 10_000 + random() * 20_000;
      } else {
        cuts += 1;
        proxy.cut();
      }
      if (performance.now() - reportedMs >= reportEveryMs) {
        reportedMs = performance.now();
        report(status());
      }
    }
    await load.stop();
    await Promise.race([ledger.complete(), pause(backWithinMs, undefined, { ref: false })]);
    report(status());
    const { lost, doubled } = ledger;
    if (lost.length > 0) problems.push(`${lost.length} acknowledged events were lost, the first of them ${lost[0]}`);
    if (doubled.length > 0)
      problems.push(`${doubled.length} events were handled twice, the first of them ${doubled[0]}`);
    return problems;
  } finally {
    await Promise.all(everybody.map((agent) => agent.drain({ timeoutMs: 1000 })));
    await Promise.all([watcher, ...clients].map((client) => client.disconnect()));
    await proxy[Symbol.asyncDispose]();
    await bridge.end("SIGKILL");
  }
}
