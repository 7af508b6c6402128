import { type JsonValue, toJson } from "@bufbuild/protobuf";
import type { BridgeClient } from "@loom-bridge/client";
import {
  GetInfoResponseSchema,
  GetStatsResponseSchema,
  ListAgentsResponseSchema,
  ListToolsResponseSchema,
} from "@loom-bridge/protocol/messages";

/** A bridge at one moment, in the words of its protocol: what `loom-bridge stats`, `agents` and `tools` would show. */
export interface BridgeSnapshot {
  readonly info: JsonValue;
  /** By agent id. */
  readonly agents: readonly JsonValue[];
  /** By name. */
  readonly tools: readonly JsonValue[];
  /** Counts of each topic, by name, and their sum. */
  readonly stats: JsonValue;
}

/** Asks a bridge for everything that it tells about itself. The order of everything is always the same. */
export async function takeSnapshot(client: BridgeClient): Promise<BridgeSnapshot> {
  const [info, agents, tools, stats] = await Promise.all([
    client.getInfo(),
    client.listAgents(),
    client.listTools(),
    client.getStats(),
  ]);
  const byName = <Item>(items: readonly Item[], nameOf: (item: Item) => string): Item[] =>
    items.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  agents.agents = byName(agents.agents, ({ agentId }) => agentId);
  tools.tools = byName(tools.tools, ({ name }) => name);
  stats.topics = byName(stats.topics, ({ topic }) => topic);
  return {
    info: toJson(GetInfoResponseSchema, info),
    agents: listOf(toJson(ListAgentsResponseSchema, agents), "agents"),
    tools: listOf(toJson(ListToolsResponseSchema, tools), "tools"),
    stats: toJson(GetStatsResponseSchema, stats),
  };
}

function listOf(json: JsonValue, field: string): readonly JsonValue[] {
  return ((json as Record<string, JsonValue[] | undefined>)[field] ?? []) as readonly JsonValue[];
}
