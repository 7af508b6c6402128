import { setImmediate, setTimeout } from "node:timers/promises";
import { createBenchEvent, createTimedEvent, sequenceOf } from "../event.ts";
import { loadBus, type PeerName } from "../peers/peers.ts";
import type { StartRole } from "../worker/role.ts";
import { acksTopic } from "./topics.ts";

export interface PublisherOptions {
  readonly peer: PeerName;
  readonly address: string;
  readonly publishers: number;
  /** Publisher i publishes to topic i, i + publishers, and so on, in turn. */
  readonly topics: readonly string[];
  readonly payloadBytes: number;
  /** How many events may be out that not every receiver has confirmed. */
  readonly window: number;
  /** How many processes confirm. */
  readonly receivers: number;
}

export interface StartPublishing {
  /** Events a second, each with its time of sending. Default: as many as the window allows, without it. */
  readonly rate?: number;
}

/** Publishes as fast as it may, or at a pace, until it is told to stop. */
export const start: StartRole<PublisherOptions> = async (options, { fail }) => {
  const { peer, address, publishers, topics, payloadBytes, window, receivers } = options;
  const connection = await (await loadBus(peer))(address, fail);
  const confirmed = new Map<string, number>();
  let published = 0;
  let minConfirmed = 0;
  let wake: (() => void) | undefined;
  let pumping: Promise<void> | undefined;
  let stopped = false;

  const sources = await Promise.all(
    Array.from({ length: publishers }, async (_, index) => ({
      name: `publisher-${index}`,
      topics: topics.filter((_topic, at) => at % publishers === index % topics.length),
      published: 0,
      bus: await connection.join({
        name: `publisher-${index}`,
        topics: index === 0 ? [acksTopic] : [],
        onEvent(ack) {
          confirmed.set(ack.source, sequenceOf(ack));
          minConfirmed = confirmed.size < receivers ? 0 : Math.min(...confirmed.values());
          wake?.();
        },
      }),
    })),
  );

  /** A promise where the peer makes its user wait: waiting for nothing would cost as much as some peers do. */
  function publishNext(createEvent: typeof createBenchEvent): void | Promise<void> {
    const source = sources[published % sources.length] as (typeof sources)[number];
    const topic = source.topics[source.published % source.topics.length] as string;
    source.published += 1;
    published += 1;
    return source.bus.publish(topic, createEvent(source.name, source.published, payloadBytes));
  }

  async function room(): Promise<void> {
    while (published - minConfirmed >= window && !stopped) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  async function pumpAll(): Promise<void> {
    while (!stopped) {
      await room();
      // So that a peer whose publish never waits still reads and writes between.
      for (let burst = 0; burst < 64 && published - minConfirmed < window && !stopped; burst += 1) {
        const waiting = publishNext(createBenchEvent);
        if (waiting !== undefined) await waiting;
      }
      await setImmediate();
    }
  }

  async function pumpAt(rate: number): Promise<void> {
    const startedMs = performance.now();
    const before = published;
    while (!stopped) {
      const due = before + Math.floor(((performance.now() - startedMs) / 1000) * rate);
      while (published < due && !stopped) {
        await room();
        await publishNext(createTimedEvent);
      }
      await setTimeout(1);
    }
  }

  return {
    commands: {
      start(argument) {
        const { rate } = argument as StartPublishing;
        stopped = false;
        pumping = rate === undefined ? pumpAll() : pumpAt(rate);
        pumping.catch(fail);
      },
      async stop(): Promise<number> {
        stopped = true;
        wake?.();
        await pumping;
        return published;
      },
    },
    close: () => connection.close(),
  };
};
