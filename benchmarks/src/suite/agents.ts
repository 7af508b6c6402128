import type { Lab } from "../harness/lab.ts";
import { atMost, createRow, medianOf, valueOf } from "../report/report.ts";
import type { IdleAgentsOptions } from "../roles/idle-agents.ts";
import type { ServerReady } from "../roles/server.ts";
import type { Benchmark } from "./benchmark.ts";

interface Variant {
  readonly label: string;
  readonly agents: number;
  readonly perConnection: number;
}

interface AgentsResult {
  readonly rssKibPerAgent: number;
  readonly heapKibPerAgent: number;
  readonly idleCpuPercent: number;
  readonly startSeconds: number;
}

const processes = 2;
/** Of the heartbeats, so that each agent sends at least one while it is measured. */
const intervalSeconds = 30;
/** What a bridge needs to take all agents in. */
const startTimeoutMs = 300_000;

export const agents: Benchmark = {
  name: "agents",
  summary: "1000, 5000 and 10 000 idle agents with heartbeats",
  // A round takes four minutes.
  runs: 1,
  async run(lab) {
    const sizes = lab.settings.smoke ? [50] : [1000, 5000, 10_000];
    const variants: Variant[] = [
      ...sizes.map((count) => variantOf(count, 100)),
      ...sizes.slice(0, 1).map((count) => variantOf(count, 1)),
    ];
    const results = await lab.interleave(
      variants,
      (variant) => runAgents(lab, variant),
      ({ rssKibPerAgent, idleCpuPercent }) =>
        `${rssKibPerAgent.toFixed(1)} KiB an agent, ${idleCpuPercent.toFixed(1)} % CPU`,
    );
    const rows = [...results].map(([{ label }, runs]) =>
      createRow(label, runs, {
        rss: ({ rssKibPerAgent }) => rssKibPerAgent,
        heap: ({ heapKibPerAgent }) => heapKibPerAgent,
        cpu: ({ idleCpuPercent }) => idleCpuPercent,
        start: ({ startSeconds }) => startSeconds,
      }),
    );
    const most = variantOf(sizes.at(-1) ?? 0, 100).label;
    return {
      name: "agents",
      what:
        `Agents in ${processes} processes, 100 on a connection or one, each with a subscription of its own and a ` +
        `heartbeat every ${intervalSeconds} s. RSS and heap are what the bridge has more than without them, after a collection of garbage.`,
      columns: [
        { key: "rss", title: "RSS KiB an agent", digits: 1 },
        { key: "heap", title: "heap KiB an agent", digits: 1 },
        { key: "cpu", title: "idle CPU, % of a core", digits: 1 },
        { key: "start", title: "s to start all", digits: 1 },
      ],
      rows,
      ratios: [
        ...valueOf(`RSS KiB an agent, ${most}`, medianOf(rows, most, "rss"), atMost(30)),
        ...valueOf(`idle CPU in %, ${most}`, medianOf(rows, most, "cpu"), atMost(5)),
      ],
      skipped: [],
    };
  },
};

function variantOf(count: number, perConnection: number): Variant {
  const where = perConnection === 1 ? "a connection each" : `${perConnection} a connection`;
  return { label: `${count} agents, ${where}`, agents: count, perConnection };
}

function runAgents(lab: Lab, { agents: count, perConnection }: Variant): Promise<AgentsResult> {
  const { smoke, seconds } = lab.settings;
  return lab.scenario(async (workers) => {
    const heartbeatIntervalMs = smoke ? 1000 : intervalSeconds * 1000;
    const bridge = await workers.start("bridge", "server", { peer: "loom", options: { heartbeatIntervalMs } });
    const { address } = bridge.ready as ServerReady;
    const empty = await bridge.usageAfterCollection();
    const startedMs = performance.now();
    const started = Array.from({ length: processes }, (_, index) => {
      const options: IdleAgentsOptions = { address, name: `idle-${index}`, agents: count / processes, perConnection };
      return workers.start(`agents-${index}`, "idle-agents", options, startTimeoutMs);
    });
    await Promise.all(started);
    const startSeconds = (performance.now() - startedMs) / 1000;
    const full = await bridge.usageAfterCollection();
    await lab.pause(smoke ? seconds * 1000 : intervalSeconds * 1000);
    const later = await bridge.usage();
    return {
      rssKibPerAgent: (full.rssBytes - empty.rssBytes) / 1024 / count,
      heapKibPerAgent: ((full.heapBytes ?? 0) - (empty.heapBytes ?? 0)) / 1024 / count,
      idleCpuPercent: ((later.cpuMs - full.cpuMs) / (later.atMs - full.atMs)) * 100,
      startSeconds,
    };
  });
}
