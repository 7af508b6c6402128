import { AgentLife } from "./agent-life.ts";
import { type AgentOptions, planAgent } from "./agent-options.ts";
import { BridgeClient } from "./bridge-client.ts";
import type { OutgoingPublish, PublishReceipt } from "./connection/publish-lane.ts";
import { SendQueue } from "./connection/send-queue.ts";
import { createErrorReporter } from "./errors/error-reporter.ts";
import { AgentSubscriptions } from "./events/agent-subscriptions.ts";
import type { Envelope } from "./events/envelope.ts";
import { EventDispatcher } from "./events/event-dispatcher.ts";
import type { EventInit } from "./events/event-init.ts";
import type { Payload } from "./events/payload.ts";
import { Publisher } from "./events/publisher.ts";
import { ReplyWaiters } from "./events/reply-waiters.ts";
import type { RequestOptions } from "./events/request-options.ts";
import { Requests } from "./events/requests.ts";
import type { EventHandler, SubscribeOptions } from "./events/subscription-init.ts";
import { type AgentMemory, createAgentMemory } from "./memory/agent-memory.ts";
import { callTool } from "./tools/call-tool.ts";
import type { CallToolOptions } from "./tools/call-tool-options.ts";
import type { Tool } from "./tools/define-tool.ts";

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

  /** @throws LoomError `invalid_argument` that names the option. */
  constructor(options: AgentOptions) {
    const plan = planAgent(options);
    const { client, ownsClient } = clientOf(options);
    const { runtime } = client;
    const agentId = options.id;
    this.id = agentId;
    this.client = client;
    this.memory = createAgentMemory(client, agentId);
    const queue = new SendQueue<OutgoingPublish>();
    const replies = new ReplyWaiters(runtime);
    const onError = createErrorReporter(agentId, options.onError, client.logger);
    const dispatcher = new EventDispatcher({
      agent: this,
      replies,
      concurrency: options.concurrency ?? 1,
      onEvent: options.onEvent,
      onError,
      onIdle: () => this.#life.progressed(),
    });
    for (const [subscription, handler] of plan.handlers) dispatcher.setHandler(subscription, handler);
    this.#publisher = new Publisher({ agentId, runtime, queue, onLost: onError });
    const publish = this.#publisher.publish.bind(this.#publisher);
    this.#requests = new Requests({ agentId, runtime, replies, publish });
    this.#subscriptions = new AgentSubscriptions({
      dispatcher,
      firstId: plan.nextSubscription,
      defaultWindow: plan.window,
    });
    this.#life = new AgentLife({
      agentId,
      client,
      ownsClient,
      register: plan.register,
      tools: new Map((options.tools ?? []).map((tool) => [tool.name, tool])),
      heartbeatIntervalMs: options.heartbeatIntervalMs,
      drainTimeoutMs: options.drainTimeoutMs ?? 5000,
      queue,
      replies,
      dispatcher,
    });
  }

  /** Resolves when the agent was stopped; rejects with the reason when its stream ended unasked. */
  get closed(): Promise<void> {
    return this.#life.closed;
  }

  /**
   * Connects and registers. An agent starts once: after its end, make a new one.
   * @throws ConnectionError `unavailable` when no bridge answers, or the bridge's reason to refuse the agent.
   */
  start(): Promise<void> {
    return this.#life.start();
  }

  /**
   * Leaves: lets running handlers and tools finish and the outbound queue empty itself, for at most `drainTimeoutMs`,
   * and says goodbye. A handler that stops its own agent must not await it.
   */
  stop(): Promise<void> {
    return this.#life.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /**
   * Publishes an event and waits for the bridge's answer. Events leave in the order of the calls.
   * @throws LoomError with the bridge's reason to refuse it; OutcomeUnknownError when the stream ended before the
   * answer; AgentClosedError when it was not sent.
   */
  async publish(topic: string, event: EventInit): Promise<PublishReceipt> {
    this.#life.ensureRunning();
    return this.#publisher.publish(topic, event);
  }

  /**
   * Publishes an event without waiting for the bridge: resolves when the outbound queue, 2048 messages and 8 MiB, has
   * taken it. When the queue is full, it waits, in order. A refusal goes to `onError`.
   */
  async post(topic: string, event: EventInit): Promise<void> {
    this.#life.ensureRunning();
    return this.#publisher.post(topic, event);
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
   * @throws ToolError when the tool gives none; OutcomeUnknownError when the stream ended before the answer.
   */
  callTool<Args, Result>(tool: Tool<Args, Result>, args: Args, options?: CallToolOptions): Promise<Result>;
  callTool(name: string, args?: unknown, options?: CallToolOptions): Promise<unknown>;
  async callTool(tool: string | Tool, args?: unknown, options: CallToolOptions = {}): Promise<unknown> {
    return callTool(this.#life.ensureRunning().calls, typeof tool === "string" ? tool : tool.name, args, options);
  }

  /** Adds a subscription and returns its id. Default handler: `onEvent`. */
  async subscribe(
    filters: string | readonly string[],
    options: SubscribeOptions = {},
    handler?: EventHandler,
  ): Promise<number> {
    return this.#subscriptions.add(this.#life.ensureRunning(), filters, options, handler);
  }

  /** Ends a subscription. Events that have come already are still handled. */
  async unsubscribe(id: number): Promise<void> {
    return this.#subscriptions.end(this.#life.ensureRunning(), id);
  }
}

export function createAgent(options: AgentOptions): Agent {
  return new Agent(options);
}

function clientOf({ client, address }: AgentOptions): { client: BridgeClient; ownsClient: boolean } {
  if (client !== undefined && "connect" in client) return { client, ownsClient: false };
  const own = new BridgeClient({ ...(address === undefined ? {} : { address }), ...client });
  return { client: own, ownsClient: true };
}
