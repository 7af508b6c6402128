import { clone } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { filterMatches, LoomError, limits, parseFilter, type Runtime } from "@loom-bridge/protocol";
import { type BridgeService, EventSchema } from "@loom-bridge/protocol/messages";
import type { EventBus } from "../domain/bus/event-bus.ts";
import type { Journal } from "../domain/journal/journal.ts";
import { tellStory } from "../domain/journal/tell-story.ts";
import type { StreamEnds } from "../domain/session/stream-ends.ts";
import { knownFeatures } from "./delivery-mapping.ts";
import { fromEvent } from "./event-mapping.ts";
import { fromSubscriptionReport, fromTopicReport, maxSubscriptionStats } from "./stats-mapping.ts";
import { createStreamHandler, type StreamHandlerOptions } from "./stream-handler.ts";
import { createSubscribeHandler } from "./subscribe-handler.ts";

export interface BridgeServiceOptions extends StreamHandlerOptions {
  readonly bus: EventBus;
  readonly streamEnds: StreamEnds;
  readonly journal: Journal;
  readonly runtime: Runtime;
  readonly version: string;
  readonly startedMs: number;
  /** The driver of the memory. */
  readonly memoryStore: string;
  /** How many tools can be called now. */
  readonly countTools: () => number;
}

export function createBridgeService(options: BridgeServiceOptions): ServiceImpl<typeof BridgeService> {
  const { bus, runtime, sessions, settings, logger } = options;
  return {
    stream: createStreamHandler(options),
    subscribe: createSubscribeHandler({ bus, streamEnds: options.streamEnds, logger }),

    async publish({ topic, event }) {
      if (event === undefined) throw new LoomError("invalid_argument", "event is missing; set it");
      const published = clone(EventSchema, event);
      if (published.id === "") published.id = runtime.uuid();
      const { matched, queued, dropped } = await bus.publish(fromEvent(topic, published, ""));
      return { eventId: published.id, matched, queued, dropped };
    },

    getInfo() {
      return {
        name: "loom-bridge",
        version: options.version,
        startedMs: BigInt(options.startedMs),
        features: [...knownFeatures],
        memoryStore: options.memoryStore,
        agents: sessions.list().length,
        tools: options.countTools(),
        maxMessageBytes: limits.messageBytes,
        heartbeatIntervalMs: settings.heartbeatIntervalMs,
      };
    },

    explain({ id }) {
      if (id === "") throw new LoomError("invalid_argument", "id is empty; name an event or a tool call");
      const { records, sinceMs = 0 } = tellStory(options, id);
      const entries = records.map((record) => ({ ...record, timestampMs: BigInt(Math.floor(record.timestampMs)) }));
      return { entries, sinceMs: BigInt(Math.floor(sinceMs)) };
    },

    getStats({ filter, withSubscriptions }) {
      const wanted = filter === "" ? undefined : parseFilter(filter);
      const { topics, total, topicCount } = bus.report();
      return {
        topics: topics
          .filter(({ topic }) => wanted === undefined || filterMatches(wanted, topic.split(".")))
          .map(fromTopicReport),
        total: fromTopicReport(total),
        topicCount,
        subscriptions: withSubscriptions
          ? bus.reportSubscriptions().slice(0, maxSubscriptionStats).map(fromSubscriptionReport)
          : [],
      };
    },
  };
}
