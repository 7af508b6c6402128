import type { Lab } from "../harness/lab.ts";
import { atMost, createRow, medianOf, valueOf } from "../report/report.ts";
import type { DeadSubscriberOptions } from "../roles/dead-subscriber.ts";
import type { PublisherOptions, StartPublishing } from "../roles/publisher.ts";
import type { ServerReady } from "../roles/server.ts";
import type { Latencies, SubscriberOptions } from "../roles/subscriber.ts";
import { eventTopics } from "../roles/topics.ts";
import type { Benchmark } from "./benchmark.ts";

type Overflow = DeadSubscriberOptions["overflow"];

const rate = 150;
const stallTimeoutMs = 1000;
const everyPolicy: readonly Overflow[] = ["drop-oldest", "drop-newest", "latest-per-key", "evict", "block"];

export const slow: Benchmark = {
  name: "slow",
  summary: "99 subscribers beside one that stops to read its socket",
  runs: 3,
  async run(lab) {
    const { smoke } = lab.settings;
    const perConnection = smoke ? 1 : 11;
    const policies: readonly Overflow[] = smoke ? ["evict", "block"] : everyPolicy;
    const variants: { label: string; overflow?: Overflow }[] = [
      { label: "nobody is slow" },
      ...policies.map((overflow) => ({ label: `one is dead, ${overflow}`, overflow })),
    ];
    const results = await lab.interleave(
      variants,
      ({ overflow }) => measure(lab, perConnection, overflow),
      ({ p50Ms, p99Ms, maxMs }) => `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, max ${maxMs.toFixed(1)} ms`,
    );
    const rows = [...results].map(([{ label }, runs]) =>
      createRow(label, runs, {
        count: ({ count }) => count,
        p50: ({ p50Ms }) => p50Ms,
        p99: ({ p99Ms }) => p99Ms,
        max: ({ maxMs }) => maxMs,
      }),
    );
    const p99 = (label: string) => medianOf(rows, label, "p99");
    const alone = p99("nobody is slow");
    return {
      name: "slow",
      what:
        `One publisher of ${rate} events of 1 KiB a second, ${9 * perConnection} subscribers in one process, and one in another ` +
        `that stops to read its socket when the measurement begins. Its queue is full after about four seconds; under ` +
        `block it is given up ${stallTimeoutMs} ms later. What the others see, from just before an event is made.`,
      columns: [
        { key: "count", title: "deliveries" },
        { key: "p50", title: "p50 ms", digits: 2 },
        { key: "p99", title: "p99 ms", digits: 2 },
        { key: "max", title: "max ms", digits: 1 },
      ],
      rows,
      ratios: [
        ...policies
          .filter((overflow) => overflow !== "block")
          .flatMap((overflow) => {
            const dead = p99(`one is dead, ${overflow}`);
            const more = dead === undefined || alone === undefined ? undefined : dead - alone;
            return valueOf(`p99 with one dead under ${overflow}, ms more`, more, atMost(5));
          }),
        ...valueOf(
          "longest delay with one dead under block, ms",
          medianOf(rows, "one is dead, block", "max"),
          atMost(stallTimeoutMs + 100),
        ),
      ],
      skipped: [],
    };
  },
};

function measure(lab: Lab, perConnection: number, overflow: Overflow | undefined): Promise<Latencies> {
  const durationMs = lab.settings.smoke ? 300 : 8000;
  const peer = "loom";
  const topics = eventTopics(1);
  return lab.scenario(async (workers) => {
    const bridge = await workers.start("bridge", "server", { peer, options: { stallTimeoutMs } });
    const { address } = bridge.ready as ServerReady;
    const receiving: SubscriberOptions = {
      peer,
      address,
      name: "subscriber",
      connections: 9,
      perConnection,
      topics,
      confirmEvery: 1000,
    };
    const subscriber = await workers.start("subscriber", "subscriber", receiving);
    const dying: DeadSubscriberOptions | undefined = overflow && { address, topics, overflow };
    const dead = dying && (await workers.start("dead", "dead-subscriber", dying));
    // Never waits for a confirmation: what is measured is what the bridge delays.
    const publishing: PublisherOptions = {
      peer,
      address,
      publishers: 1,
      topics,
      payloadBytes: 1024,
      window: 1_000_000,
      receivers: 1,
    };
    const publisher = await workers.start("publisher", "publisher", publishing);
    const pace: StartPublishing = { rate };
    await publisher.call("start", pace);
    await lab.pause(lab.settings.warmupSeconds * 1000);
    await subscriber.call("record");
    await dead?.call("stopReading", durationMs);
    await lab.pause(durationMs);
    const latencies = await subscriber.call<Latencies>("latencies");
    await publisher.call("stop");
    return latencies;
  });
}
