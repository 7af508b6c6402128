import { defaultWindow, type Flow, runFlow } from "../harness/run-flow.ts";
import { peerLabels } from "../peers/peers.ts";
import { createRow, medianOf, ratioOf } from "../report/report.ts";
import { availablePeers } from "./available-peers.ts";
import type { Benchmark } from "./benchmark.ts";
import { readFlow, tellFlow } from "./flow-columns.ts";

/** From here on, in bytes, others run beside us: buffers this large are what Node and the kernel are slow with. */
const beside = 4096;
/** What may be under way in bytes, so that large payloads show the path and not the memory. */
const windowBytes = 8 * 1_048_576;

export const growth: Benchmark = {
  name: "growth",
  summary: "events with 1 to 100 publishers and topics, and payloads from 16 B to 256 KiB",
  async run(lab) {
    const counts = lab.settings.smoke ? [1, 10] : [1, 10, 100];
    const sizes = lab.settings.smoke ? [16_384] : [16, 128, 1024, 4096, 16_384, 65_536, 262_144];
    const { peers, skipped } = availablePeers(lab, ["nats", "grpc"]);
    const variants: { label: string; flow: Flow; bytes: number }[] = [
      ...counts.map((count) =>
        shape(`${count} publisher${count === 1 ? "" : "s"}, 1 topic`, 128, { publishers: count }),
      ),
      ...counts.slice(1).map((count) => shape(`1 publisher, ${count} topics`, 128, { topics: count })),
      ...counts
        .slice(1)
        .map((count) => shape(`${count} publishers, ${count} topics`, 128, { publishers: count, topics: count })),
      ...sizes.map((bytes) => shape(`payload of ${bytes} B`, bytes, {})),
      ...sizes
        .filter((bytes) => bytes >= beside)
        .flatMap((bytes) =>
          peers.map((client) => shape(`${peerLabels[client]}, payload of ${bytes} B`, bytes, { client })),
        ),
    ];
    const results = await lab.interleave(variants, ({ flow }) => runFlow(lab, flow), tellFlow);
    const rows = [...results].map(([{ label, bytes }, runs]) =>
      createRow(label, runs, {
        ...readFlow,
        megabytes: ({ deliveriesPerSecond }) => (deliveriesPerSecond * bytes) / 1e6,
      }),
    );
    const bridge = (label: string) => medianOf(rows, label, "bridgeCpu");
    const most = counts.at(-1) ?? 1;
    const shapes = [`${most} publishers, 1 topic`, `1 publisher, ${most} topics`, `${most} publishers, ${most} topics`];
    return {
      name: "growth",
      what: "As `events`, on Loom Bridge where no other is named. At most 512 events and 8 MiB are unconfirmed.",
      columns: [
        { key: "rate", title: "events/s" },
        { key: "megabytes", title: "payload MB/s", digits: 1 },
        { key: "publisherCpu", title: "publisher µs", digits: 1 },
        { key: "bridgeCpu", title: "bridge µs", digits: 1 },
        { key: "subscriberCpu", title: "subscriber µs", digits: 1 },
        { key: "bridgeRss", title: "bridge RSS MiB" },
      ],
      rows,
      ratios: shapes.flatMap((label) =>
        ratioOf(`bridge CPU, ${label} ÷ 1 publisher, 1 topic`, bridge(label), bridge("1 publisher, 1 topic")),
      ),
      skipped,
    };
  },
};

function shape(label: string, payloadBytes: number, flow: Partial<Flow>): { label: string; flow: Flow; bytes: number } {
  const window = Math.max(8, Math.min(defaultWindow, Math.floor(windowBytes / payloadBytes)));
  return { label, bytes: payloadBytes, flow: { client: "loom", payloadBytes, window, ...flow } };
}
