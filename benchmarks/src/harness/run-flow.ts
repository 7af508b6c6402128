import { setTimeout } from "node:timers/promises";
import type { PeerName } from "../peers/peers.ts";
import type { PublisherOptions, StartPublishing } from "../roles/publisher.ts";
import type { ServerReady } from "../roles/server.ts";
import type { Latencies, Received, SubscriberOptions } from "../roles/subscriber.ts";
import { eventTopics } from "../roles/topics.ts";
import type { Usage } from "../worker/usage.ts";
import type { Lab } from "./lab.ts";
import { profileWorkers } from "./profile-workers.ts";
import type { Worker, Workers } from "./workers.ts";

/** Events on their way from publishers through a bridge to subscribers. */
export interface Flow {
  /** Whose client. */
  readonly client: PeerName;
  /** Whose bridge. Default: the client's. */
  readonly server?: PeerName;
  readonly publishers?: number;
  readonly topics?: number;
  readonly payloadBytes?: number;
  readonly window?: number;
  /** Default: one process with one connection with one subscriber. */
  readonly receivers?: { readonly processes: number; readonly connections: number; readonly perConnection: number };
  /** Events a second; "half" of what it can do, which is found out just before. Default: as many as the window allows. */
  readonly rate?: number | "half";
  /** Names the profiles, where profiles are wanted. */
  readonly profile?: string;
}

export interface Cost {
  /** CPU time for each event that was delivered, in microseconds. */
  readonly cpuUs: number;
  readonly rssMib: number;
  readonly heapMib: number | undefined;
}

export interface FlowResult {
  /** By all subscribers together. */
  readonly deliveriesPerSecond: number;
  readonly publisher: Cost;
  readonly bridge: Cost;
  /** Of all processes that receive, added up. */
  readonly subscriber: Cost;
  /** Measured where the flow has a rate; of no events where it has none. */
  readonly latencies: Latencies;
}

export const defaultWindow = 512;
const drainTimeoutMs = 20_000;

/** Runs a flow for a while. Rejects when an event is missing at its end, or came twice or out of order. */
export function runFlow(lab: Lab, flow: Flow): Promise<FlowResult> {
  return lab.scenario(async (workers) => {
    const { bridge, publisher, subscribers } = await startFlow(workers, flow);
    const rate = flow.rate === "half" ? (await findMaximum(lab, publisher, subscribers)) / 2 : flow.rate;
    const start: StartPublishing = rate === undefined ? {} : { rate };
    await publisher.call("start", start);
    await lab.pause(lab.settings.warmupSeconds * 1000);

    const all = [publisher, bridge, ...subscribers];
    const { before, after } = await profileWorkers(lab, flow.profile, all, async () => {
      if (rate !== undefined) await subscribers[0]?.call("record");
      const atStart = await sample(all, subscribers);
      await lab.pause(lab.settings.seconds * 1000);
      return { before: atStart, after: await sample(all, subscribers) };
    });
    const latencies = (await subscribers[0]?.call<Latencies>("latencies")) as Latencies;

    const published = await publisher.call<number>("stop");
    const copies = flow.receivers === undefined ? 1 : flow.receivers.connections * flow.receivers.perConnection;
    await Promise.all(subscribers.map((subscriber) => expectAll(subscriber, published * copies)));

    const perSecond = sum(after.received.map((now, index) => rateBetween(before.received[index], now)));
    const costs = after.usages.map((now, index) => costBetween(before.usages[index], now, perSecond));
    const [ofPublisher, ofBridge, ...ofSubscribers] = costs as [Cost, Cost, ...Cost[]];
    return {
      deliveriesPerSecond: perSecond,
      publisher: ofPublisher,
      bridge: ofBridge,
      subscriber: {
        cpuUs: sum(ofSubscribers.map(({ cpuUs }) => cpuUs)),
        rssMib: sum(ofSubscribers.map(({ rssMib }) => rssMib)),
        heapMib: sum(ofSubscribers.map(({ heapMib = 0 }) => heapMib)),
      },
      latencies,
    };
  });
}

async function startFlow(workers: Workers, flow: Flow) {
  const { client: peer, server = peer, publishers = 1, payloadBytes = 128 } = flow;
  const { processes, ...perProcess } = flow.receivers ?? { processes: 1, connections: 1, perConnection: 1 };
  const topics = eventTopics(flow.topics ?? 1);
  const window = flow.window ?? defaultWindow;
  const bridge = await workers.start("bridge", "server", { peer: server });
  const { address } = bridge.ready as ServerReady;
  const subscribers: Worker[] = [];
  for (let index = 0; index < processes; index += 1) {
    const name = `subscriber-${index}`;
    const confirmEvery = Math.max(1, window / 8);
    const options: SubscriberOptions = { peer, address, name, ...perProcess, topics, confirmEvery };
    subscribers.push(await workers.start(name, "subscriber", options));
  }
  const options: PublisherOptions = { peer, address, publishers, topics, payloadBytes, window, receivers: processes };
  return { bridge, subscribers, publisher: await workers.start("publisher", "publisher", options) };
}

/** Events a second without a pause, after a warm-up. */
async function findMaximum(lab: Lab, publisher: Worker, subscribers: readonly Worker[]): Promise<number> {
  const unlimited: StartPublishing = {};
  await publisher.call("start", unlimited);
  await lab.pause(lab.settings.warmupSeconds * 1000);
  const before = await subscribers[0]?.call<Received>("received");
  await lab.pause(lab.settings.seconds * 500);
  const after = (await subscribers[0]?.call<Received>("received")) as Received;
  await publisher.call("stop");
  return rateBetween(before, after);
}

async function sample(workers: readonly Worker[], subscribers: readonly Worker[]) {
  const [usages, received] = await Promise.all([
    Promise.all(workers.map((worker) => worker.usage())),
    Promise.all(subscribers.map((subscriber) => subscriber.call<Received>("received"))),
  ]);
  return { usages, received };
}

async function expectAll(subscriber: Worker, expected: number): Promise<void> {
  const endMs = performance.now() + drainTimeoutMs;
  for (;;) {
    const { count } = await subscriber.call<Received>("received");
    if (count === expected) return;
    if (count > expected || performance.now() > endMs) {
      throw new Error(`${subscriber.name} received ${count} events of ${expected}`);
    }
    await setTimeout(20);
  }
}

function rateBetween(before: Received | undefined, after: Received): number {
  return (after.count - (before?.count ?? 0)) / ((after.atMs - (before?.atMs ?? 0)) / 1000);
}

function costBetween(before: Usage | undefined, after: Usage, perSecond: number): Cost {
  // Each process by its own clock: a busy one answers later than it was asked.
  const cpuShare = (after.cpuMs - (before?.cpuMs ?? 0)) / (after.atMs - (before?.atMs ?? 0));
  return {
    cpuUs: (cpuShare * 1e6) / perSecond,
    rssMib: after.rssBytes / 1_048_576,
    heapMib: after.heapBytes === undefined ? undefined : after.heapBytes / 1_048_576,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
