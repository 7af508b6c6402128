import { testBridge } from "@loom-bridge/testing";
import type { StartRole } from "../worker/role.ts";

export interface WorldsOptions {
  /** How many worlds to make and drop. */
  readonly worlds: number;
  /** How many agents send heartbeats for a virtual hour. */
  readonly agents: number;
}

/** What one of something took. */
export interface Spent {
  readonly ms: number;
  readonly cpuMs: number;
}

/** Makes worlds of the testing package, one after the other, and lets an hour pass in one. */
export const start: StartRole<WorldsOptions> = async ({ worlds, agents }) => ({
  commands: {
    /** What the first worlds load and compile is not theirs. */
    async warm() {
      for (let world = 0; world < 50; world += 1) await talk();
    },
    /** Of a world that nothing happens in. */
    empty: () => timeOf(worlds, idle),
    /** Of one in which a probe publishes and another receives. */
    talking: () => timeOf(worlds, talk),
    /** Of a virtual hour. */
    hour: () => anHour(agents),
    /** Timers, sockets and whatever else keeps the process alive. */
    handles: () => process.getActiveResourcesInfo().length,
  },
  async close() {},
});

async function idle(): Promise<void> {
  await using _ = testBridge();
}

async function talk(): Promise<void> {
  await using bridge = testBridge();
  const reader = await bridge.probe("reader", { topics: ["news"] });
  const author = await bridge.probe("author");
  await author.publish("news", { headline: "rain" });
  await reader.expectNext("news");
}

async function anHour(agents: number): Promise<Spent> {
  await using bridge = testBridge();
  for (let agent = 0; agent < agents; agent += 1) await bridge.agent({ id: `agent-${agent}` });
  // Awaited here: the bridge is closed when this function returns.
  const spent = await timeOf(1, () => bridge.clock.advance("1h"));
  return spent;
}

async function timeOf(count: number, work: () => Promise<void>): Promise<Spent> {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  for (let index = 0; index < count; index += 1) await work();
  const { user, system } = process.cpuUsage(before);
  return { ms: (performance.now() - startedMs) / count, cpuMs: (user + system) / 1000 / count };
}
