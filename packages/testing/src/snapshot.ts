import { type JsonValue, toJson } from "@bufbuild/protobuf";
import type { BridgeClient } from "@loom-bridge/client";
import {
  GetInfoResponseSchema,
  type GetStatsResponse,
  GetStatsResponseSchema,
  type ListAgentsResponse,
  ListAgentsResponseSchema,
  ListToolsResponseSchema,
  type SubscriptionStats,
  type TopicStats,
} from "@loom-bridge/protocol/messages";

/** A bridge at one moment, in the words of its protocol: what `loom-bridge stats`, `agents` and `tools` would show. */
export interface BridgeSnapshot {
  readonly info: JsonValue;
  /** By agent id. */
  readonly agents: readonly JsonValue[];
  /** By name. */
  readonly tools: readonly JsonValue[];
  /** Counts of each topic, by name, and their sum; each subscription with its queue, by agent and group. */
  readonly stats: JsonValue;
  /** What cannot be: accounts that contradict each other, one line each. */
  readonly contradictions: readonly string[];
}

/** Asks a bridge for everything that it tells about itself. The order of everything is always the same. */
export async function takeSnapshot(client: BridgeClient): Promise<BridgeSnapshot> {
  const [info, agents, tools, stats] = await Promise.all([
    client.getInfo(),
    client.listAgents(),
    client.listTools(),
    client.getStats({ withSubscriptions: true }),
  ]);
  const byName = <Item>(items: readonly Item[], nameOf: (item: Item) => string): Item[] =>
    items.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  agents.agents = byName(agents.agents, ({ agentId }) => agentId);
  tools.tools = byName(tools.tools, ({ name }) => name);
  stats.topics = byName(stats.topics, ({ topic }) => topic);
  stats.subscriptions = byName(stats.subscriptions, nameOfSubscription);
  return {
    info: toJson(GetInfoResponseSchema, info),
    agents: listOf(toJson(ListAgentsResponseSchema, agents), "agents"),
    tools: listOf(toJson(ListToolsResponseSchema, tools), "tools"),
    stats: toJson(GetStatsResponseSchema, stats),
    contradictions: [...findInAgents(agents, stats), ...findInStats(stats)],
  };
}

function listOf(json: JsonValue, field: string): readonly JsonValue[] {
  return ((json as Record<string, JsonValue[] | undefined>)[field] ?? []) as readonly JsonValue[];
}

function nameOfSubscription({ agentId, group, id }: SubscriptionStats): string {
  return group === "" ? `subscription ${id} of ${agentId}` : `group ${group}`;
}

function findInAgents({ agents }: ListAgentsResponse, { subscriptions }: GetStatsResponse): string[] {
  const ids = new Set(agents.map(({ agentId }) => agentId));
  return [
    ...(ids.size < agents.length ? ["an agent is connected twice"] : []),
    ...subscriptions
      .filter(({ agentId }) => agentId !== "" && !ids.has(agentId))
      .map((one) => `${nameOfSubscription(one)} stands, and its agent is not connected`),
  ];
}

function findInStats({ topics, total, topicCount, subscriptions }: GetStatsResponse): string[] {
  const found: string[] = [];
  const isComplete = total !== undefined && topics.length === topicCount;
  for (const count of ["published", "delivered", "dropped", "backlog"] as const) {
    if (!isComplete) break;
    const sum = topics.reduce((all, topic) => all + topic[count], 0n);
    // The total goes on counting what topics had that are forgotten, but for what waits now.
    const isKept = count === "backlog" ? sum === total[count] : sum <= total[count];
    if (!isKept) found.push(`${count} of all topics is ${sum}, and in total it is ${total[count]}`);
  }
  for (const { topic, dropped, drops } of topics) {
    const explained = sumOf(drops);
    if (explained !== dropped) found.push(`${dropped} were dropped on ${topic}, and ${explained} for a reason`);
  }
  for (const one of subscriptions) {
    const { queued, backlog, inFlight } = one;
    if (BigInt(backlog + inFlight) > queued)
      found.push(
        `${nameOfSubscription(one)} has ${backlog} waiting and ${inFlight} sent of ${queued} that were queued`,
      );
  }
  return found;
}

function sumOf(drops: TopicStats["drops"]): bigint {
  return drops.reduce((all, { count }) => all + count, 0n);
}
