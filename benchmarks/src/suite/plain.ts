import { type Flow, runFlow } from "../harness/run-flow.ts";
import { atLeast, createRow, medianOf, ratioOf } from "../report/report.ts";
import type { Benchmark } from "./benchmark.ts";
import { flowColumns, readFlow, tellFlow } from "./flow-columns.ts";

export const plain: Benchmark = {
  name: "plain",
  summary: "Register, Publish, Heartbeat and Event alone, from stock gRPC clients",
  async run(lab) {
    const variants: { label: string; flow: Flow }[] = [
      { label: "grpc-js → Loom Bridge", flow: { client: "grpc", server: "loom", profile: "plain-loom" } },
      { label: "grpc-js → connect-es server", flow: { client: "grpc", server: "connect" } },
      { label: "connect-es → Loom Bridge", flow: { client: "connect", server: "loom" } },
      { label: "connect-es → connect-es server", flow: { client: "connect", server: "connect" } },
    ];
    const chosen = lab.settings.smoke ? variants.slice(0, 2) : variants;
    const results = await lab.interleave(chosen, ({ flow }) => runFlow(lab, flow), tellFlow);
    const rows = [...results].map(([{ label }, runs]) => createRow(label, runs, readFlow));
    const cpu = (label: string) => medianOf(rows, label, "bridgeCpu");
    return {
      name: "plain",
      what: "As `events`, with clients that know nothing but the first messages of the protocol: one event a message.",
      columns: flowColumns,
      rows,
      ratios: ["grpc-js", "connect-es"].flatMap((client) =>
        ratioOf(
          `CPU a message, connect-es server ÷ Loom Bridge, ${client} client`,
          cpu(`${client} → connect-es server`),
          cpu(`${client} → Loom Bridge`),
          atLeast(2),
        ),
      ),
      skipped: [],
    };
  },
};
