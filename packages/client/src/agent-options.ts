import { create } from "@bufbuild/protobuf";
import { heartbeatIntervalMs, LoomError, limits, maxTimerDelayMs, repliesTopic } from "@loom-bridge/protocol";
import {
  Feature,
  type Register,
  RegisterSchema,
  ToolDescriptorSchema,
  ToolEffect,
} from "@loom-bridge/protocol/messages";
import type { BridgeClient } from "./bridge-client.ts";
import type { BridgeClientOptions } from "./bridge-client-options.ts";
import type { ReconnectOptions } from "./connection/reconnect-options.ts";
import type { PlannedSubscription } from "./events/agent-subscriptions.ts";
import type { Envelope } from "./events/envelope.ts";
import { repliesSubscription, repliesWindow } from "./events/event-dispatcher.ts";
import type { EventGap } from "./events/event-gap.ts";
import {
  checkPositive,
  createSubscription,
  type EventHandler,
  type SubscriptionInit,
} from "./events/subscription-init.ts";
import type { Tool } from "./tools/define-tool.ts";

/** Who an agent is, what it hears and what it can do. */
export interface AgentOptions {
  /** 1 to 128 bytes of `A-Z a-z 0-9 _ . : @ -`. A live agent of the same id is superseded. */
  id: string;
  /**
   * The way to the bridge: a client that may be shared and outlives the agent, or the options of one that belongs to
   * the agent. Default: a client of its own for `address`.
   */
  client?: BridgeClient | BridgeClientOptions;
  /** The bridge's address, in place of `client`. */
  address?: string;
  /** Topics or patterns to receive. */
  topics?: readonly string[];
  /** Further subscriptions, with qualities or handlers of their own. */
  subscriptions?: readonly SubscriptionInit[];
  /** Functions that others may call. */
  tools?: readonly Tool[];
  /** Handles the events of every subscription that has no handler of its own. */
  onEvent?: EventHandler;
  /**
   * Told what went wrong where nobody waits for it: an exception in a handler (the event counts as handled), an event
   * that cannot be read, a post that the bridge refused. Default: the client's logger.
   */
  onError?: (error: unknown, envelope?: Envelope) => void;
  /** Told what a subscription will not get. Default: the client's logger. */
  onGap?: (gap: EventGap) => void;
  /** Free pairs that others see in the directory of agents. */
  metadata?: Readonly<Record<string, string>>;
  /** How many events are handled at a time. Default: 1, so that they are handled in order. */
  concurrency?: number;
  /** How many events of a subscription the bridge may send ahead of the handler. Default: 256. */
  window?: number;
  /** Default: what the bridge asks for, 30 s. */
  heartbeatIntervalMs?: number;
  /**
   * How to come back when the stream was lost. It is not tried when coming back would change nothing: the agent was
   * superseded, or the bridge refuses it. Default: as `ReconnectOptions` says; false: the first loss ends the agent.
   */
  reconnect?: ReconnectOptions | false;
  /** Whether `start()` waits until a bridge answers. Default: false, it fails. */
  retryStart?: boolean;
  /**
   * How long a publish may wait for its answer, through an outage too, in milliseconds. Default: for as long as the
   * agent lives.
   */
  publishTimeoutMs?: number;
  /** How long `stop()` waits for handlers, tools and the outbound queue, in milliseconds. Default: 5000. */
  drainTimeoutMs?: number;
}

const topicsSubscription = 1;
const firstFreeSubscription = 3;
const defaultWindow = 256;

export interface AgentPlan {
  /** Without subscriptions: those change. */
  readonly register: Register;
  readonly window: number;
  readonly subscriptions: readonly PlannedSubscription[];
  /** The id of the next subscription. */
  readonly nextSubscription: number;
}

/**
 * Checks the options of an agent and makes its registration of them.
 * @throws LoomError `invalid_argument` that names the field.
 */
export function planAgent(options: AgentOptions): AgentPlan {
  const { id, topics = [], subscriptions = [], tools = [], window = defaultWindow } = options;
  checkId(id);
  checkTools(tools);
  checkPositive("concurrency", options.concurrency ?? 1);
  checkPositive("window", window);
  if (options.heartbeatIntervalMs !== undefined) checkInterval(options.heartbeatIntervalMs);
  for (const [field, ms] of Object.entries(options.reconnect === false ? {} : (options.reconnect ?? {}))) {
    checkDuration(`reconnect.${field}`, ms);
  }
  if (options.publishTimeoutMs !== undefined) checkDuration("publishTimeoutMs", options.publishTimeoutMs);
  const plan = (subscriptionId: number, init: SubscriptionInit): PlannedSubscription => ({
    subscription: createSubscription(subscriptionId, init, window),
    autoExtend: init.autoExtend ?? true,
    handler: init.handler,
  });
  const planned = [
    ...(topics.length > 0 ? [plan(topicsSubscription, { filters: topics })] : []),
    plan(repliesSubscription, { filters: repliesTopic(id), window: repliesWindow }),
    ...subscriptions.map((init, index) => plan(firstFreeSubscription + index, init)),
  ];
  const register = create(RegisterSchema, {
    agentId: id,
    tools: tools.map(({ name, description, parametersSchema, metadata, effect }) =>
      create(ToolDescriptorSchema, {
        name,
        description,
        parametersSchema,
        metadata: { ...metadata },
        effect: toolEffects[effect],
      }),
    ),
    metadata: { ...options.metadata },
    features: [Feature.BATCHES, Feature.NOTICES],
  });
  return { register, window, subscriptions: planned, nextSubscription: firstFreeSubscription + subscriptions.length };
}

const toolEffects = {
  read: ToolEffect.READ,
  idempotent: ToolEffect.IDEMPOTENT,
  once: ToolEffect.ONCE,
} as const;

function checkId(id: string): void {
  if (/^[A-Za-z0-9_.:@-]+$/.test(id) && id.length <= limits.idBytes) return;
  throw invalid("id", `agent id ${JSON.stringify(id)} is not 1 to ${limits.idBytes} of A-Z a-z 0-9 _ . : @ -`);
}

function checkTools(tools: readonly Tool[]): void {
  if (tools.length > limits.toolsPerAgent) {
    throw invalid("tools", `tools has ${tools.length} entries; an agent may provide ${limits.toolsPerAgent}`);
  }
  const names = new Set<string>();
  for (const { name } of tools) {
    if (names.has(name)) throw invalid("tools", `tools has ${JSON.stringify(name)} twice; names must differ`);
    names.add(name);
  }
}

function checkInterval(intervalMs: number): void {
  if (intervalMs > 0 && intervalMs <= 20 * heartbeatIntervalMs) return;
  const most = 20 * heartbeatIntervalMs;
  throw invalid("heartbeatIntervalMs", `heartbeatIntervalMs is ${intervalMs}; it must be above 0 and at most ${most}`);
}

function checkDuration(field: string, ms: number): void {
  if (ms >= 0 && ms <= maxTimerDelayMs) return;
  throw invalid(field, `${field} is ${ms}; it must be from 0 to ${maxTimerDelayMs} ms`);
}

function invalid(field: string, message: string): LoomError {
  return new LoomError("invalid_argument", message, { details: { field } });
}
