import { type Flow, runFlow } from "../harness/run-flow.ts";
import { type PeerName, peerLabels } from "../peers/peers.ts";
import { atLeast, atMost, createRow, medianOf, ratioOf } from "../report/report.ts";
import { availablePeers } from "./available-peers.ts";
import type { Benchmark } from "./benchmark.ts";
import { flowColumns, readFlow, tellFlow } from "./flow-columns.ts";

export const fanout: Benchmark = {
  name: "fanout",
  summary: "1 publisher → bridge → 100 subscribers on 10 connections",
  async run(lab) {
    const { peers, skipped } = availablePeers(lab, lab.settings.smoke ? ["loom"] : ["loom", "nats", "grpc", "connect"]);
    const receivers = lab.settings.smoke
      ? { processes: 2, connections: 1, perConnection: 5 }
      : { processes: 2, connections: 5, perConnection: 10 };
    // The cost of one delivery where there is one subscriber, from the same rounds.
    const alone = peers.includes("loom")
      ? [{ label: "Loom Bridge, 1 subscriber", flow: { client: "loom" } as Flow }]
      : [];
    const variants = [
      ...peers.map((client) => ({
        label: peerLabels[client],
        flow: { client, receivers, profile: `fanout-${client}` } as Flow,
      })),
      ...alone,
    ];
    const results = await lab.interleave(variants, ({ flow }) => runFlow(lab, flow), tellFlow);
    const rows = [...results].map(([{ label }, runs]) => createRow(label, runs, readFlow));
    const rate = (peer: PeerName) => medianOf(rows, peerLabels[peer], "rate");
    const cpu = (label: string) => medianOf(rows, label, "bridgeCpu");
    return {
      name: "fanout",
      what:
        `One publisher, ${receivers.processes * receivers.connections * receivers.perConnection} subscribers in ` +
        `${receivers.processes} processes on ${receivers.processes * receivers.connections} connections. Every ` +
        "delivery counts; CPU is per delivery.",
      columns: flowColumns.map((column) => (column.key === "rate" ? { ...column, title: "deliveries/s" } : column)),
      rows,
      ratios: [
        ...ratioOf("deliveries/s ÷ NATS", rate("loom"), rate("nats"), atLeast(1)),
        ...ratioOf("deliveries/s ÷ grpc-js", rate("loom"), rate("grpc")),
        ...ratioOf("deliveries/s ÷ connect-es", rate("loom"), rate("connect")),
        ...ratioOf(
          "bridge CPU a delivery ÷ that with 1 subscriber",
          cpu(peerLabels.loom),
          cpu("Loom Bridge, 1 subscriber"),
          atMost(0.25),
        ),
      ],
      skipped,
    };
  },
};
