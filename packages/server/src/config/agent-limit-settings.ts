import type { z } from "zod";
import { type BridgeLimits, defaultBridgeLimits, greatestLimit } from "../bridge-limits.ts";
import { about } from "./about.ts";
import { whole } from "./setting-types.ts";

/** The limits of agents, events and tools, under the keys of the configuration file. */
export type AgentLimitConfig = { readonly [Name in keyof BridgeLimits as `limits.${Name}`]: number };

/** What each limit says of itself. Its flag and its place in the file are made of its name. */
const descriptions: { readonly [Name in keyof BridgeLimits]: string } = {
  agentsPerPrincipal: "Agents of one principal that are connected at a time, unless the policy says otherwise of it.",
  streamsPerPrincipal:
    "Subscriptions without a session, and watchers of agents, that one principal has open, unless the policy says otherwise.",
  subscriptionsPerSession: "Subscriptions of one agent.",
  filtersPerSession: "Topics and patterns of one agent, all subscriptions together.",
  wildcardsPerSession: "Of these, patterns with a wildcard.",
  eventBytes: "An encoded event. More than the default is not to be had: clients check it too.",
  publishWindow: "Publishes of one agent that may be unanswered before the bridge stops reading.",
  publishBytes: "Bytes of them that may wait before the bridge stops reading.",
  realtimeQueue: "Events that wait for one subscription of quality realtime. Then the oldest goes.",
  batchedQueue: "Events that wait for one of quality batched. Then publishers wait.",
  backgroundQueue: "Events that wait for one of quality background. Then publishers wait.",
  queueBytes: "Bytes that wait for one subscription, of whatever quality.",
  maxControlFrames: "What is no event and waits for an agent that does not read. Then its stream ends.",
  maxControlBytes: "Bytes of that.",
  toolsPerAgent: "Tools that one agent provides.",
  schemaBytesPerAgent: "The schemas of one agent's tools together.",
  maxSchemas: "Different schemas of all agents' tools.",
  argumentsBytes: "The arguments of a call. More than the default is not to be had: clients check it too.",
  outputBytes: "The output of a call. More than the default is not to be had: clients check it too.",
  maxToolTimeoutMs: "The longest time of a call. One that asks for more gets this.",
  maxOpenCalls: "Calls that one agent has open as their caller.",
  inFlightPerAgent: "Calls that are open at one agent as their provider.",
  inFlightPerTool: "Calls that are open of one tool.",
  inFlight: "Calls that are open on the bridge, for each tenant.",
  repeatMs: "How long the result of a call with an id is kept for who repeats it.",
  repeatEntries: "Results that are kept so. The oldest makes room.",
  repeatBytes: "Bytes of them. The oldest makes room.",
  logLinesPerPeer: "Log lines of one message about one peer in a second; ten times as many about all.",
};

function setting(name: keyof BridgeLimits): z.ZodType<number> {
  const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const placeholder = name.endsWith("Ms") ? "ms" : name.endsWith("Bytes") ? "bytes" : "count";
  return whole(greatestLimit(name), defaultBridgeLimits[name]).register(about, {
    flag,
    placeholder,
    description: descriptions[name],
  });
}

/** The schemas of {@link AgentLimitConfig}. */
export const agentLimitSettings: { readonly [Key in keyof AgentLimitConfig]: z.ZodType<number> } = Object.fromEntries(
  namesOf().map((name) => [`limits.${name}`, setting(name)]),
) as { readonly [Key in keyof AgentLimitConfig]: z.ZodType<number> };

/** The limits of a configuration, by their names in code. */
export function agentLimitsOf(config: AgentLimitConfig): BridgeLimits {
  return Object.fromEntries(namesOf().map((name) => [name, config[`limits.${name}`]])) as unknown as BridgeLimits;
}

function namesOf(): (keyof BridgeLimits)[] {
  return Object.keys(descriptions) as (keyof BridgeLimits)[];
}
