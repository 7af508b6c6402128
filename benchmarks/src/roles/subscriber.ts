import { ageMs, createBenchEvent, minPayloadBytes, sequenceOf } from "../event.ts";
import type { Bus } from "../peers/peer.ts";
import { loadBus, type PeerName } from "../peers/peers.ts";
import { percentile } from "../report/statistics.ts";
import type { StartRole } from "../worker/role.ts";
import { acksTopic } from "./topics.ts";

export interface SubscriberOptions {
  readonly peer: PeerName;
  readonly address: string;
  /** Unique among the processes that receive. */
  readonly name: string;
  readonly connections: number;
  readonly perConnection: number;
  readonly topics: readonly string[];
  /** Confirms every so many events. */
  readonly confirmEvery: number;
}

export interface Received {
  /** By all subscribers of this process. */
  readonly count: number;
  readonly atMs: number;
}

export interface Latencies {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const maxRecorded = 1_000_000;

/** Receives, counts, checks the order of every source, and confirms. */
export const start: StartRole<SubscriberOptions> = async (options, { fail }) => {
  const { peer, address, name, topics, confirmEvery } = options;
  const open = await loadBus(peer);
  const subscribers = options.connections * options.perConnection;
  /** How many subscribers have come to a multiple of `confirmEvery`. */
  const arrived = new Map<number, number>();
  let count = 0;
  let ages: Float64Array | undefined;
  let recorded = 0;
  let confirming: Bus | undefined;

  function confirm(received: number): void {
    const here = (arrived.get(received) ?? 0) + 1;
    if (here < subscribers) {
      arrived.set(received, here);
      return;
    }
    arrived.delete(received);
    const waiting = confirming?.publish(acksTopic, createBenchEvent(name, received, minPayloadBytes));
    if (waiting !== undefined) waiting.catch(fail);
  }

  const connections = await Promise.all(Array.from({ length: options.connections }, () => open(address, fail)));
  for (const [at, connection] of connections.entries()) {
    for (let index = 0; index < options.perConnection; index += 1) {
      const sources = new Map<string, { last: number }>();
      let received = 0;
      const bus = await connection.join({
        name: `${name}-${at}-${index}`,
        topics,
        onEvent(event) {
          const sequence = sequenceOf(event);
          let source = sources.get(event.source);
          if (source === undefined) sources.set(event.source, (source = { last: 0 }));
          source.last += 1;
          if (sequence !== source.last) fail(new Error(`event ${sequence} of ${event.source} came for ${source.last}`));
          received += 1;
          count += 1;
          if (ages !== undefined && recorded < maxRecorded) ages[recorded++] = ageMs(event);
          if (received % confirmEvery === 0) confirm(received);
        },
      });
      confirming ??= bus;
    }
  }

  return {
    commands: {
      received: (): Received => ({ count, atMs: performance.now() }),
      record() {
        ages = new Float64Array(maxRecorded);
        recorded = 0;
      },
      latencies(): Latencies {
        const sorted = (ages ?? new Float64Array()).subarray(0, recorded).sort();
        ages = undefined;
        const [p50Ms, p99Ms, maxMs] = [0.5, 0.99, 1].map((part) => percentile(sorted, part)) as [
          number,
          number,
          number,
        ];
        return { count: sorted.length, p50Ms, p99Ms, maxMs };
      },
    },
    async close() {
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
};
