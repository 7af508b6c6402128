import type { Lab } from "../harness/lab.ts";
import { profileWorkers } from "../harness/profile-workers.ts";
import { type CallPeerName, peerLabels } from "../peers/peers.ts";
import { atLeast, atMost, createRow, medianOf, ratioOf } from "../report/report.ts";
import type { CallerOptions, Load, LoadResult } from "../roles/caller.ts";
import type { ServerReady } from "../roles/server.ts";
import { twoCores } from "../worker/place.ts";
import { availablePeers } from "./available-peers.ts";
import type { Benchmark } from "./benchmark.ts";

const inFlight = 64;

interface CallsResult {
  readonly many: LoadResult;
  readonly oneByOne: LoadResult;
  /** One by one as well, with the bridge on a core of its own. */
  readonly apart: LoadResult | undefined;
  readonly bridgeCpuUs: number;
}

export const calls: Benchmark = {
  name: "calls",
  summary: "agent A calls agent B's tool, 64 in flight and one by one",
  async run(lab) {
    const { peers, skipped } = availablePeers(lab, ["loom", "nats", "raw"]);
    const variants = peers.map((peer) => ({ peer, label: peerLabels[peer] }));
    const cores = await twoCores();
    const results = await lab.interleave(
      variants,
      ({ peer }) => runCalls(lab, peer, typeof cores === "string" ? undefined : cores),
      ({ many, oneByOne, apart }) =>
        `${perSecond(many)}/s; one by one p50 ${oneByOne.p50Ms.toFixed(3)} ms, apart ${apart?.p50Ms.toFixed(3) ?? "–"}`,
    );
    const rows = [...results].map(([{ label }, runs]) =>
      createRow(label, runs, {
        rate: ({ many }) => perSecond(many),
        p50: ({ many }) => many.p50Ms,
        p99: ({ many }) => many.p99Ms,
        bridgeCpu: ({ bridgeCpuUs }) => bridgeCpuUs,
        oneP50: ({ oneByOne }) => oneByOne.p50Ms,
        oneP99: ({ oneByOne }) => oneByOne.p99Ms,
        apartP50: ({ apart }) => apart?.p50Ms,
        apartP99: ({ apart }) => apart?.p99Ms,
      }),
    );
    const of = (peer: CallPeerName, key: string) => medianOf(rows, peerLabels[peer], key);
    return {
      name: "calls",
      what:
        "Caller, bridge and provider are processes of their own; a call passes the bridge twice. NATS: a request to a " +
        "queue group. Raw: the same hops over streams of node:http2. JSON of 128 bytes each way. Apart: one by one, with " +
        "the bridge on a core of its own and both agents on another.",
      columns: [
        { key: "rate", title: `calls/s, ${inFlight} in flight` },
        { key: "p50", title: "p50 ms", digits: 2 },
        { key: "p99", title: "p99 ms", digits: 2 },
        { key: "bridgeCpu", title: "bridge µs a call", digits: 1 },
        { key: "oneP50", title: "one by one p50 ms", digits: 3 },
        { key: "oneP99", title: "p99 ms", digits: 3 },
        { key: "apartP50", title: "apart p50 ms", digits: 3 },
        { key: "apartP99", title: "p99 ms", digits: 3 },
      ],
      rows,
      ratios: [
        ...ratioOf("calls/s ÷ NATS", of("loom", "rate"), of("nats", "rate"), atLeast(1)),
        ...ratioOf("one by one, p50 ÷ raw http2", of("loom", "oneP50"), of("raw", "oneP50"), atMost(1.3)),
        ...ratioOf("one by one, apart, p50 ÷ raw http2", of("loom", "apartP50"), of("raw", "apartP50"), atMost(1.3)),
        ...ratioOf("one by one, p50 ÷ NATS", of("loom", "oneP50"), of("nats", "oneP50")),
        ...ratioOf("one by one, apart, p50 ÷ NATS", of("loom", "apartP50"), of("nats", "apartP50")),
      ],
      skipped: typeof cores === "string" ? [...skipped, `apart: ${cores}`] : skipped,
    };
  },
};

function runCalls(lab: Lab, peer: CallPeerName, cores: readonly [number, number] | undefined): Promise<CallsResult> {
  const { seconds, warmupSeconds } = lab.settings;
  return lab.scenario(async (workers) => {
    const bridge = await workers.start("bridge", "server", { peer });
    const options: CallerOptions = { peer, address: (bridge.ready as ServerReady).address };
    const provider = await workers.start("provider", "provider", options);
    const caller = await workers.start("caller", "caller", options);
    const run = (load: Load): Promise<LoadResult> => caller.call("run", load, load.seconds * 1000 + 60_000);
    await run({ inFlight, seconds: warmupSeconds });
    const before = await bridge.usage();
    const many = await profileWorkers(lab, `calls-${peer}`, [caller, bridge, provider], () =>
      run({ inFlight, seconds }),
    );
    const after = await bridge.usage();
    const oneByOne = await run({ inFlight: 1, seconds });
    let apart: LoadResult | undefined;
    if (cores !== undefined) {
      const [bridgeCore, agentCore] = cores;
      await Promise.all([bridge.place(bridgeCore), provider.place(agentCore), caller.place(agentCore)]);
      apart = await run({ inFlight: 1, seconds });
    }
    return { many, oneByOne, apart, bridgeCpuUs: ((after.cpuMs - before.cpuMs) * 1000) / many.done };
  });
}

function perSecond({ done, seconds }: LoadResult): number {
  return Math.round(done / seconds);
}
