import { clone } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { filterMatches, LoomError, limits, parseFilter, type Runtime } from "@loom-bridge/protocol";
import { type BridgeService, EventSchema } from "@loom-bridge/protocol/messages";
import type { Gatekeeper } from "../domain/access/gatekeeper.ts";
import type { Breaches } from "../domain/breaches.ts";
import { checkPublish } from "../domain/bus/check-publish.ts";
import type { EventBus } from "../domain/bus/event-bus.ts";
import type { Journal } from "../domain/journal/journal.ts";
import { tellStory } from "../domain/journal/tell-story.ts";
import type { StreamEnds } from "../domain/session/stream-ends.ts";
import { accessOf } from "./access-of.ts";
import { maySee } from "./agent-info.ts";
import { knownFeatures } from "./delivery-mapping.ts";
import { fromEvent } from "./event-mapping.ts";
import {
  fromCounts,
  fromDrops,
  fromSubscriptionReport,
  fromTopicReport,
  maxSubscriptionStats,
} from "./stats-mapping.ts";
import { createStreamHandler, type StreamHandlerOptions } from "./stream-handler.ts";
import { createSubscribeHandler } from "./subscribe-handler.ts";
import { visibleRecords, visibleReport, visibleSubscriptions } from "./visible-stats.ts";

export interface BridgeServiceOptions extends StreamHandlerOptions {
  readonly bus: EventBus;
  readonly streamEnds: StreamEnds;
  readonly gatekeeper: Pick<Gatekeeper, "holdStream">;
  readonly journal: Journal;
  readonly runtime: Runtime;
  readonly breaches: Breaches;
  readonly version: string;
  readonly startedMs: number;
  /** The driver of the memory. */
  readonly memoryStore: string;
  /** The names of the tools that can be called now. */
  readonly toolNames: () => readonly string[];
}

export function createBridgeService(options: BridgeServiceOptions): ServiceImpl<typeof BridgeService> {
  const { bus, runtime, sessions, settings, logger } = options;
  return {
    stream: createStreamHandler(options),
    subscribe: createSubscribeHandler({
      bus,
      settings,
      streamEnds: options.streamEnds,
      gatekeeper: options.gatekeeper,
      logger,
    }),

    async publish({ topic, event }, context) {
      const access = accessOf(context);
      if (event === undefined) throw new LoomError("invalid_argument", "event is missing; set it");
      const published = clone(EventSchema, event);
      if (published.id === "") published.id = runtime.uuid();
      const busEvent = fromEvent(topic, published, access.agentId ?? "");
      checkPublish(bus, access, busEvent);
      const { drops, offset, ...counts } = await bus.publish(busEvent);
      return { ...counts, eventId: published.id, drops: fromDrops(drops), offset: BigInt(offset) };
    },

    getInfo(_request, context) {
      const access = accessOf(context);
      return {
        name: "loom-bridge",
        version: options.version,
        startedMs: BigInt(options.startedMs),
        features: [...knownFeatures],
        memoryStore: options.memoryStore,
        agents: sessions.list().filter((session) => maySee(access, session)).length,
        tools: options.toolNames().filter((name) => access.may("tools.call", name)).length,
        maxMessageBytes: limits.messageBytes,
        heartbeatIntervalMs: settings.heartbeatIntervalMs,
      };
    },

    explain({ id }, context) {
      if (id === "") throw new LoomError("invalid_argument", "id is empty; name an event or a tool call");
      const { records, sinceMs = 0 } = tellStory(options, id);
      const entries = visibleRecords(records, accessOf(context)).map((record) => ({
        ...record,
        timestampMs: BigInt(Math.floor(record.timestampMs)),
      }));
      return { entries, sinceMs: BigInt(Math.floor(sinceMs)) };
    },

    getStats({ filter, withSubscriptions }, context) {
      const access = accessOf(context);
      const wanted = filter === "" ? undefined : parseFilter(filter);
      const { topics, total, topicCount } = visibleReport(bus, access);
      return {
        topics: topics
          .filter(({ topic }) => wanted === undefined || filterMatches(wanted, topic.split(".")))
          .map(fromTopicReport),
        total: fromTopicReport(total),
        topicCount,
        limitBreaches: access.may("admin", "observe") ? fromCounts(options.breaches.counts()) : {},
        subscriptions: withSubscriptions
          ? visibleSubscriptions(bus, access).slice(0, maxSubscriptionStats).map(fromSubscriptionReport)
          : [],
      };
    },
  };
}
