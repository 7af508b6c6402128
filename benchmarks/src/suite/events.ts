import { runFlow } from "../harness/run-flow.ts";
import { peerLabels } from "../peers/peers.ts";
import { atLeast, createRow, medianOf, ratioOf } from "../report/report.ts";
import { availablePeers } from "./available-peers.ts";
import type { Benchmark } from "./benchmark.ts";
import { flowColumns, readFlow, tellFlow } from "./flow-columns.ts";

export const events: Benchmark = {
  name: "events",
  summary: "1 publisher → bridge → 1 subscriber",
  async run(lab) {
    const { peers, skipped } = availablePeers(lab, ["loom", "nats", "grpc", "connect", "raw", "bytes"]);
    const variants = peers.map((peer) => ({ peer, label: peerLabels[peer] }));
    const results = await lab.interleave(
      variants,
      ({ peer }) => runFlow(lab, { client: peer, profile: `events-${peer}` }),
      tellFlow,
    );
    const rows = [...results].map(([{ label }, runs]) => createRow(label, runs, readFlow));
    const rate = (peer: keyof typeof peerLabels) => medianOf(rows, peerLabels[peer], "rate");
    return {
      name: "events",
      what: "One publisher, one bridge, one subscriber, each a process. 512 events may be unconfirmed. CPU is per event.",
      columns: flowColumns,
      rows,
      ratios: [
        ...ratioOf("events/s ÷ NATS", rate("loom"), rate("nats"), atLeast(1.5)),
        ...ratioOf("events/s ÷ grpc-js", rate("loom"), rate("grpc"), atLeast(5)),
        ...ratioOf("events/s ÷ connect-es", rate("loom"), rate("connect"), atLeast(8)),
        ...ratioOf("events/s ÷ raw http2", rate("loom"), rate("raw"), atLeast(0.5)),
        ...ratioOf("events/s ÷ raw http2, no codec at the sender", rate("loom"), rate("bytes")),
      ],
      skipped,
    };
  },
};
