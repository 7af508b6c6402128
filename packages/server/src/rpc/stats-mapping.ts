import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Delivered,
  DropReason as DropReasonMessage,
  type DropSchema,
  type DropStatsSchema,
  Overflow,
  type SubscriptionStatsSchema,
  type TopicStatsSchema,
} from "@loom-bridge/protocol/messages";
import type { DropReason, Drops } from "../domain/bus/drops.ts";
import type { TopicReport } from "../domain/bus/event-bus.ts";
import type { Drop } from "../domain/bus/publish-outcome.ts";
import type { OverflowPolicy } from "../domain/bus/quality.ts";
import type { SubscriptionReport } from "../domain/bus/subscription-report.ts";
import { fromQuality } from "./event-mapping.ts";

/** How many subscriptions GetStats tells of: those with the longest queues. */
export const maxSubscriptionStats = 1000;

export function fromCounts(counts: ReadonlyMap<string, number>): Record<string, bigint> {
  return Object.fromEntries([...counts].map(([name, count]) => [name, BigInt(count)]));
}

export function fromTopicReport(report: TopicReport): MessageInitShape<typeof TopicStatsSchema> {
  return {
    topic: report.topic,
    published: BigInt(report.published),
    delivered: BigInt(report.delivered),
    dropped: BigInt(report.dropped),
    drops: fromDropCounts(report.drops),
    activeSubscriptions: report.activeSubscriptions,
    backlog: BigInt(report.backlog),
  };
}

export function fromSubscriptionReport(report: SubscriptionReport): MessageInitShape<typeof SubscriptionStatsSchema> {
  const { agentId, group, id, filters, quality, overflow, atLeastOnce, members, inFlight, waitingPublishers } = report;
  return {
    agentId,
    group,
    id,
    filters: [...filters],
    qos: fromQuality(quality),
    overflow: overflows[overflow],
    delivered: atLeastOnce ? Delivered.AT_LEAST_ONCE : Delivered.AT_MOST_ONCE,
    members,
    queued: BigInt(report.delivered),
    drops: fromDropCounts(report.drops),
    backlog: report.backlog,
    backlogBytes: BigInt(report.backlogBytes),
    inFlight,
    waitingPublishers,
    readThrough: BigInt(report.readThrough ?? 0),
  };
}

export function fromDrops(drops: readonly Drop[]): MessageInitShape<typeof DropSchema>[] {
  return drops.map(({ reason, count }) => ({ reason: dropReasons[reason], count }));
}

const dropReasons: Readonly<Record<DropReason, DropReasonMessage>> = {
  "queue-full": DropReasonMessage.QUEUE_FULL,
  "subscriber-left": DropReasonMessage.SUBSCRIBER_LEFT,
  replaced: DropReasonMessage.REPLACED,
  "given-up": DropReasonMessage.GIVEN_UP,
};

const overflows: Readonly<Record<OverflowPolicy, Overflow>> = {
  block: Overflow.BLOCK,
  "drop-oldest": Overflow.DROP_OLDEST,
  "drop-newest": Overflow.DROP_NEWEST,
  "latest-per-key": Overflow.LATEST_PER_KEY,
  evict: Overflow.EVICT,
};

/** The reasons that occurred. */
function fromDropCounts(drops: Readonly<Drops>): MessageInitShape<typeof DropStatsSchema>[] {
  return (Object.keys(dropReasons) as DropReason[])
    .filter((reason) => drops[reason] > 0)
    .map((reason) => ({ reason: dropReasons[reason], count: BigInt(drops[reason]) }));
}
