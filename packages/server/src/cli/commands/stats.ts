import { parseFilter } from "@loom-bridge/protocol";
import {
  DeliveredSchema,
  OverflowSchema,
  QosSchema,
  type SubscriptionStats,
  type TopicStats,
} from "@loom-bridge/protocol/messages";
import { byReason, withReasons } from "../drops.ts";
import { exitCode } from "../exit-code.ts";
import { enumName, writeJson, writeLine, writeTable } from "../output.ts";
import { type ConnectionOptions, withConnection } from "../remote/connection-options.ts";
import { answerTimeoutMs } from "../remote/remote-failure.ts";
import type { Terminal } from "../terminal.ts";

export interface StatsOptions extends ConnectionOptions {
  readonly filter?: string;
  readonly subscriptions?: boolean;
}

/** Shows what the event bus did since the bridge started. */
export function stats(terminal: Terminal, options: StatsOptions): Promise<number> {
  const { filter = "", subscriptions: withSubscriptions = false } = options;
  if (filter !== "") parseFilter(filter);
  return withConnection(terminal, options, async ({ remote }) => {
    const told = await remote.bridge.getStats({ filter, withSubscriptions }, { timeoutMs: answerTimeoutMs });
    const topics = told.topics.map((topic) => ({ topic: topic.topic, ...counts(topic) }));
    const total = counts(told.total);
    const { topicCount } = told;
    if (options.json) {
      for (const topic of topics) writeJson(terminal, topic);
      for (const subscription of told.subscriptions) writeJson(terminal, describe(subscription));
      writeJson(terminal, { total, topicCount });
      return exitCode.ok;
    }
    const rows = [...topics, { topic: `all topics (${topicCount})`, ...total }].map(({ dropped, drops, ...row }) =>
      [row.topic, row.published, row.delivered, withReasons(dropped, drops), row.activeSubscriptions, row.backlog].map(
        String,
      ),
    );
    writeTable(terminal, ["TOPIC", "PUBLISHED", "DELIVERED", "DROPPED", "SUBSCRIPTIONS", "BACKLOG"], rows);
    if (withSubscriptions) writeSubscriptions(terminal, told.subscriptions.map(describe));
    return exitCode.ok;
  });
}

function counts(topic: TopicStats | undefined) {
  return {
    published: Number(topic?.published ?? 0),
    delivered: Number(topic?.delivered ?? 0),
    dropped: Number(topic?.dropped ?? 0),
    drops: byReason(topic?.drops ?? []),
    activeSubscriptions: topic?.activeSubscriptions ?? 0,
    backlog: Number(topic?.backlog ?? 0),
  };
}

function describe(subscription: SubscriptionStats) {
  const { agentId, group, id, filters, members, backlog, inFlight, waitingPublishers } = subscription;
  return {
    subscriber: group === "" ? agentId || "(no session)" : `group ${group} (${members})`,
    id,
    filters,
    qos: enumName(QosSchema, subscription.qos),
    overflow: enumName(OverflowSchema, subscription.overflow),
    delivery: enumName(DeliveredSchema, subscription.delivered),
    queued: Number(subscription.queued),
    drops: byReason(subscription.drops),
    backlog,
    backlogBytes: Number(subscription.backlogBytes),
    inFlight,
    waitingPublishers,
    readThrough: Number(subscription.readThrough),
  };
}

function writeSubscriptions(terminal: Terminal, subscriptions: readonly ReturnType<typeof describe>[]): void {
  const rows = subscriptions.map(
    ({ filters, overflow, queued, drops, backlog, inFlight, waitingPublishers, ...row }) => {
      const dropped = Object.values(drops).reduce((sum, count) => sum + count, 0);
      const told = [queued, withReasons(dropped, drops), backlog, inFlight, waitingPublishers].map(String);
      return [row.subscriber, filters.join(" "), overflow, ...told];
    },
  );
  writeLine(terminal);
  const heading = ["SUBSCRIBER", "FILTERS", "WHEN FULL", "QUEUED", "DROPPED", "BACKLOG", "IN FLIGHT", "WAITING"];
  writeTable(terminal, heading, rows);
}
