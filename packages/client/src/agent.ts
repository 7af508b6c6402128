import { create } from "@bufbuild/protobuf";
import { RegisterSchema } from "@loom-bridge/protocol/messages";
import { AgentLife } from "./agent-life.ts";
import { type AgentOptions, planAgent } from "./agent-options.ts";
import { BridgeClient } from "./bridge-client.ts";
import type { ConnectionStatus } from "./connection/connection-status.ts";
import type { OutgoingPublish } from "./connection/outgoing-publish.ts";
import { PublishLane } from "./connection/publish-lane.ts";
import type { PublishReceipt } from "./connection/publish-receipt.ts";
import { SendQueue } from "./connection/send-queue.ts";
import { createErrorReporter } from "./errors/error-reporter.ts";
import { AgentSubscriptions } from "./events/agent-subscriptions.ts";
import type { Envelope } from "./events/envelope.ts";
import { EventDispatcher } from "./events/event-dispatcher.ts";
import type { EventInit } from "./events/event-init.ts";
import { createGapReporter } from "./events/gap-reporter.ts";
import type { Payload } from "./events/payload.ts";
import { Publisher } from "./events/publisher.ts";
import { ReplyWaiters } from "./events/reply-waiters.ts";
import type { RequestOptions } from "./events/request-options.ts";
import { Requests } from "./events/requests.ts";
import type { EventHandler, SubscribeOptions } from "./events/subscription-init.ts";
import { type AgentMemory, createAgentMemory } from "./memory/agent-memory.ts";
import { callTool, type ToolCaller } from "./tools/call-tool.ts";
import type { CallToolOptions } from "./tools/call-tool-options.ts";
import type { Tool } from "./tools/define-tool.ts";
import { ToolCalls } from "./tools/tool-calls.ts";

/** A named participant: publishes and receives events, calls and provides tools, over one stream. */
export class Agent implements AsyncDisposable {
  readonly id: string;
  readonly client: BridgeClient;
  /** The memory of the session that is named after this agent. */
  readonly memory: AgentMemory;
  readonly #life: AgentLife;
  readonly #publisher: Publisher;
  readonly #requests: Requests;
  readonly #subscriptions: AgentSubscriptions;
  readonly #caller: ToolCaller;

  /** @throws LoomError `invalid_argument` that names the option. */
  constructor(options: AgentOptions) {
    const plan = planAgent(options);
    const { client, ownsClient } = clientOf(options);
    const { runtime } = client;
    const agentId = options.id;
    this.id = agentId;
    this.client = client;
    // An id names one agent at a time; a holder must name one for ever.
    this.memory = createAgentMemory(client, agentId, `${agentId.slice(0, 91)}:${runtime.uuid()}`);
    const queue = new SendQueue<OutgoingPublish>();
    const publishes = new PublishLane(runtime, queue);
    const replies = new ReplyWaiters(runtime);
    const onError = createErrorReporter(agentId, options.onError, client.logger);
    const dispatcher = new EventDispatcher({
      agent: this,
      runtime,
      replies,
      concurrency: options.concurrency ?? 1,
      onEvent: options.onEvent,
      onError,
      onIdle: () => this.#life.progressed(),
    });
    this.#publisher = new Publisher({ agentId, runtime, queue, timeoutMs: options.publishTimeoutMs, onLost: onError });
    const publish = this.#publisher.publish.bind(this.#publisher);
    this.#requests = new Requests({ agentId, runtime, replies, publish });
    const calls = new ToolCalls(runtime);
    this.#caller = { calls, runtime, ensureRunning: () => this.#life.ensureRunning() };
    const subscriptions = new AgentSubscriptions({
      dispatcher,
      planned: plan.subscriptions,
      firstId: plan.nextSubscription,
      defaultWindow: plan.window,
    });
    this.#subscriptions = subscriptions;
    this.#life = new AgentLife({
      agentId,
      client,
      ownsClient,
      createRegister: () => create(RegisterSchema, { ...plan.register, subscriptions: subscriptions.resume() }),
      tools: new Map((options.tools ?? []).map((tool) => [tool.name, tool])),
      heartbeatIntervalMs: options.heartbeatIntervalMs,
      drainTimeoutMs: options.drainTimeoutMs ?? 5000,
      reconnect: options.reconnect ?? {},
      retryStart: options.retryStart ?? false,
      publishes,
      calls,
      replies,
      subscriptions,
      dispatcher,
      onGap: createGapReporter({ agentId, onGap: options.onGap, onError, logger: client.logger, subscriptions }),
    });
  }

  /** How the agent stands with its bridge now. */
  get status(): ConnectionStatus {
    return this.#life.status;
  }

  /** The status now, then each change, to the end of the agent. Who is slow sees the latest, not all. */
  watchStatus(): AsyncIterableIterator<ConnectionStatus> {
    return this.#life.watchStatus();
  }

  /** Resolves when the agent was stopped; rejects with the reason when it lost its stream and did not come back. */
  get closed(): Promise<void> {
    return this.#life.closed;
  }

  /**
   * Connects and registers. From then on the agent keeps its session: when the stream is lost it comes back, asks for
   * what it missed and sends again what was not answered. An agent starts once: after its end, make a new one.
   * @throws ConnectionError `unavailable` when no bridge answers, or the bridge's reason to refuse the agent.
   */
  start(): Promise<void> {
    return this.#life.start();
  }

  /**
   * Leaves: takes no more events and calls, lets running handlers and tools finish and the outbound queue empty itself,
   * for at most `drainTimeoutMs`, and says goodbye. A handler that stops its own agent must not await it.
   */
  stop(): Promise<void> {
    return this.#life.drain();
  }

  /** As `stop()`, with a time of its own: at most `timeoutMs`, else the agent's `drainTimeoutMs`. */
  drain(options: { timeoutMs?: number } = {}): Promise<void> {
    return this.#life.drain(options.timeoutMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /**
   * Publishes an event and waits for the bridge's answer, through an outage too. Events leave in the order of the
   * calls. What a lost stream has left unanswered is sent again, and the bridge knows it by its id.
   * @throws LoomError with the bridge's reason to refuse it; OutcomeUnknownError when the agent ended, or two minutes
   * passed, before the answer; RequestTimeoutError after `publishTimeoutMs`; AgentClosedError when it was not sent.
   */
  async publish(topic: string, event: EventInit): Promise<PublishReceipt> {
    this.#life.ensureRunning();
    return this.#publisher.publish(topic, event);
  }

  /**
   * Publishes an event without waiting for the bridge: resolves when the outbound queue, 2048 messages and 8 MiB, has
   * taken it. When the queue is full, it waits, in order. A refusal goes to `onError`.
   */
  post(topic: string, event: EventInit): Promise<void> {
    // Not async: a promise that is returned through one costs as much as encoding the event.
    try {
      this.#life.ensureRunning();
      return this.#publisher.post(topic, event);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /**
   * Publishes a question and waits for the first reply.
   * @throws RequestTimeoutError when none comes in time; LoomError `unavailable` when nobody subscribes to the topic.
   */
  async request(topic: string, payload?: Payload, options: RequestOptions = {}): Promise<Envelope> {
    this.#life.ensureRunning();
    return this.#requests.request(topic, payload, options);
  }

  /**
   * Calls a tool and returns its output.
   * @throws ToolError when the tool gives none; OutcomeUnknownError when the stream was lost before the answer, unless
   * the call may be repeated: it has an `idempotencyKey`, or the tool is given and its `effect` allows it.
   */
  callTool<Args, Result>(tool: Tool<Args, Result>, args: Args, options?: CallToolOptions): Promise<Result>;
  callTool(name: string, args?: unknown, options?: CallToolOptions): Promise<unknown>;
  callTool(tool: string | Tool, args?: unknown, options: CallToolOptions = {}): Promise<unknown> {
    return callTool(this.#caller, tool, args, options);
  }

  /** Adds a subscription and returns its id. Default handler: `onEvent`. */
  async subscribe(
    filters: string | readonly string[],
    options: SubscribeOptions = {},
    handler?: EventHandler,
  ): Promise<number> {
    this.#life.ensureRunning();
    return this.#subscriptions.add(() => this.#life.nextSession(), filters, options, handler);
  }

  /** Ends a subscription. Events that have come already are still handled. */
  async unsubscribe(id: number): Promise<void> {
    this.#life.ensureRunning();
    return this.#subscriptions.end(() => this.#life.nextSession(), id);
  }
}

/** Makes an agent, which `start` connects: `new Agent(options)` as a function. */
export function createAgent(options: AgentOptions): Agent {
  return new Agent(options);
}

function clientOf({ id, client, address }: AgentOptions): { client: BridgeClient; ownsClient: boolean } {
  if (client !== undefined && "connect" in client) return { client, ownsClient: false };
  const own = new BridgeClient({ ...(address === undefined ? {} : { address }), agentId: id, ...client });
  return { client: own, ownsClient: true };
}
