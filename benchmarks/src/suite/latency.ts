import { type Flow, type FlowResult, runFlow } from "../harness/run-flow.ts";
import { type PeerName, peerLabels } from "../peers/peers.ts";
import { atMost, createRow, medianOf, ratioOf, valueOf } from "../report/report.ts";
import { availablePeers } from "./available-peers.ts";
import type { Benchmark } from "./benchmark.ts";
import { tellFlow } from "./flow-columns.ts";

const unloadedRate = 100;

export const latency: Benchmark = {
  name: "latency",
  summary: "events at half of the maximum rate, and unloaded",
  async run(lab) {
    const compared: PeerName[] = lab.settings.smoke ? ["loom", "connect"] : ["loom", "nats", "grpc", "connect"];
    const { peers, skipped } = availablePeers(lab, compared);
    const variants = peers.flatMap((client): { label: string; flow: Flow }[] => [
      { label: `${peerLabels[client]}, half load`, flow: { client, rate: "half" } },
      { label: `${peerLabels[client]}, unloaded`, flow: { client, rate: unloadedRate } },
    ]);
    const tell = (result: FlowResult): string =>
      `p50 ${result.latencies.p50Ms.toFixed(2)} ms, p99 ${result.latencies.p99Ms.toFixed(2)} ms, ${tellFlow(result)}`;
    const results = await lab.interleave(variants, ({ flow }) => runFlow(lab, flow), tell);
    const rows = [...results].map(([{ label }, runs]) =>
      createRow(label, runs, {
        rate: ({ deliveriesPerSecond }) => deliveriesPerSecond,
        p50: ({ latencies }) => latencies.p50Ms,
        p99: ({ latencies }) => latencies.p99Ms,
      }),
    );
    const unloaded = (peer: PeerName) => medianOf(rows, `${peerLabels[peer]}, unloaded`, "p50");
    return {
      name: "latency",
      what:
        "From just before an event is made to its handler. Half load is half of what the same processes reached " +
        `without a pause just before; unloaded is ${unloadedRate} events a second. Events are made on a timer of 1 ms.`,
      columns: [
        { key: "rate", title: "events/s" },
        { key: "p50", title: "p50 ms", digits: 2 },
        { key: "p99", title: "p99 ms", digits: 2 },
      ],
      rows,
      ratios: [
        ...valueOf("p99 at half load, ms", medianOf(rows, `${peerLabels.loom}, half load`, "p99"), atMost(5)),
        ...ratioOf("unloaded p50 ÷ connect-es", unloaded("loom"), unloaded("connect"), atMost(1.3)),
        ...ratioOf("unloaded p50 ÷ NATS", unloaded("loom"), unloaded("nats")),
      ],
      skipped,
    };
  },
};
