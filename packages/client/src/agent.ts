import { type LoomError, type Runtime, Wakeup } from "@loom-bridge/protocol";
import { type AgentOptions, type AgentPlan, planAgent } from "./agent-options.ts";
import { BridgeClient } from "./bridge-client.ts";
import { createDeferred } from "./connection/deferred.ts";
import type { OutgoingPublish, PublishReceipt } from "./connection/publish-lane.ts";
import { SendQueue } from "./connection/send-queue.ts";
import { Session } from "./connection/session.ts";
import { AgentClosedError } from "./errors/agent-closed-error.ts";
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
  readonly #options: AgentOptions;
  readonly #plan: AgentPlan;
  readonly #runtime: Runtime;
  readonly #ownsClient: boolean;
  readonly #queue = new SendQueue<OutgoingPublish>();
  readonly #publisher: Publisher;
  readonly #replies: ReplyWaiters;
  readonly #requests: Requests;
  readonly #dispatcher: EventDispatcher;
  readonly #subscriptions: AgentSubscriptions;
  readonly #progress = new Wakeup();
  readonly #closed = createDeferred<void>();
  #session: Session | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #problem: string | undefined = "is not started; call start() first";
  #cause: LoomError | undefined;

  /** @throws LoomError `invalid_argument` that names the option. */
  constructor(options: AgentOptions) {
    this.#options = options;
    this.#plan = planAgent(options);
    this.id = options.id;
    this.#ownsClient = !(options.client instanceof BridgeClient);
    this.client =
      options.client instanceof BridgeClient
        ? options.client
        : new BridgeClient({
            ...(options.address === undefined ? {} : { address: options.address }),
            ...options.client,
          });
    this.#runtime = this.client.runtime;
    this.memory = createAgentMemory(this.client, this.id);
    this.#replies = new ReplyWaiters(this.#runtime);
    const onError = (error: unknown, envelope?: Envelope): void => this.#report(error, envelope);
    const { id: agentId } = this;
    this.#publisher = new Publisher({ agentId, runtime: this.#runtime, queue: this.#queue, onLost: onError });
    this.#dispatcher = new EventDispatcher({
      agent: this,
      replies: this.#replies,
      concurrency: options.concurrency ?? 1,
      onEvent: options.onEvent,
      onError,
      onIdle: () => this.#progress.wake(),
    });
    this.#requests = new Requests({
      agentId,
      runtime: this.#runtime,
      replies: this.#replies,
      publish: (topic, event) => this.#publisher.publish(topic, event),
    });
    this.#subscriptions = new AgentSubscriptions({
      dispatcher: this.#dispatcher,
      firstId: this.#plan.nextSubscription,
      defaultWindow: this.#plan.window,
    });
    for (const [subscription, handler] of this.#plan.handlers) this.#dispatcher.setHandler(subscription, handler);
  }

  /** Resolves when the agent was stopped; rejects with the reason when its stream ended unasked. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /**
   * Connects and registers. An agent starts once: after its end, make a new one.
   * @throws ConnectionError `unavailable` when no bridge answers, or the bridge's reason to refuse the agent.
   */
  start(): Promise<void> {
    this.#starting ??= this.#stopping === undefined ? this.#start() : Promise.reject(this.#closedError());
    return this.#starting;
  }

  /**
   * Leaves: lets running handlers and tools finish and the outbound queue empty itself, for at most `drainTimeoutMs`,
   * and says goodbye. A handler that stops its own agent must not await it.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
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
    this.#ensureOpen();
    return this.#publisher.publish(topic, event);
  }

  /**
   * Publishes an event without waiting for the bridge: resolves when the outbound queue, 2048 messages and 8 MiB, has
   * taken it. When the queue is full, it waits, in order. A refusal goes to `onError`.
   */
  async post(topic: string, event: EventInit): Promise<void> {
    this.#ensureOpen();
    return this.#publisher.post(topic, event);
  }

  /**
   * Publishes a question and waits for the first reply.
   * @throws RequestTimeoutError when none comes in time; LoomError `unavailable` when nobody subscribes to the topic.
   */
  async request(topic: string, payload?: Payload, options: RequestOptions = {}): Promise<Envelope> {
    this.#ensureOpen();
    return this.#requests.request(topic, payload, options);
  }

  /**
   * Calls a tool and returns its output.
   * @throws ToolError when the tool gives none; OutcomeUnknownError when the stream ended before the answer.
   */
  callTool<Args, Result>(tool: Tool<Args, Result>, args: Args, options?: CallToolOptions): Promise<Result>;
  callTool(name: string, args?: unknown, options?: CallToolOptions): Promise<unknown>;
  async callTool(tool: string | Tool, args?: unknown, options: CallToolOptions = {}): Promise<unknown> {
    const session = this.#ensureOpen();
    return callTool(session.calls, typeof tool === "string" ? tool : tool.name, args, options);
  }

  /** Adds a subscription and returns its id. Default handler: `onEvent`. */
  async subscribe(
    filters: string | readonly string[],
    options: SubscribeOptions = {},
    handler?: EventHandler,
  ): Promise<number> {
    return this.#subscriptions.add(this.#ensureOpen(), filters, options, handler);
  }

  /** Ends a subscription. Events that have come already are still handled. */
  async unsubscribe(id: number): Promise<void> {
    return this.#subscriptions.end(this.#ensureOpen(), id);
  }

  async #start(): Promise<void> {
    const takeBack = this.client.onDisconnect(() => this.stop());
    try {
      await this.client.connect();
    } catch (error) {
      takeBack();
      this.#end(error as LoomError);
      throw error;
    }
    const session = this.#openSession();
    session.ended.then((reason) => {
      takeBack();
      this.#end(reason);
    });
    const ack = await session.acked;
    this.#problem = undefined;
    this.client.logger.info("registered", { agentId: this.id, sessionId: ack.sessionId, epoch: Number(ack.epoch) });
  }

  #openSession(): Session {
    const { logger } = this.client;
    const tools = new Map((this.#options.tools ?? []).map((tool) => [tool.name, tool]));
    const onProgress = (): void => this.#progress.wake();
    this.#session = new Session({
      openStream: (outbound, signal) => this.client.stream(outbound, { signal }),
      address: this.client.address,
      runtime: this.#runtime,
      register: this.#plan.register,
      publishes: this.#queue,
      tools: { agentId: this.id, tools, onIdle: onProgress },
      heartbeatIntervalMs: this.#options.heartbeatIntervalMs,
      onEvent: (event) => this.#dispatcher.dispatch(event),
      onGap: ({ subscription, firstSequence, lastSequence }) =>
        logger.warn("events were lost: this agent's queue was full", {
          agentId: this.id,
          subscription,
          lost: Number(lastSequence - firstSequence) + 1,
        }),
      onDrain: ({ reason, graceMs }) => logger.info("the bridge is about to end the stream", { reason, graceMs }),
      onProgress,
    });
    return this.#session;
  }

  async #stop(): Promise<void> {
    this.#dispatcher.pause();
    const session = this.#session;
    if (session !== undefined && this.#problem === undefined) await this.#drain(session);
    await session?.close("stopped");
    this.#end(undefined);
    if (this.#ownsClient) await this.client.disconnect();
  }

  async #drain(session: Session): Promise<void> {
    let expired = false;
    const timer = this.#runtime.setTimer(() => {
      expired = true;
      this.#progress.wake();
    }, this.#options.drainTimeoutMs ?? 5000);
    while (!expired && this.#problem === undefined && !(session.idle && this.#dispatcher.running === 0)) {
      await this.#progress.wait();
    }
    timer.cancel();
  }

  #end(reason: LoomError | undefined): void {
    this.#problem = reason === undefined ? "was stopped" : `is closed: ${reason.rawMessage}`;
    this.#cause = reason;
    const unsent = this.#closedError();
    for (const publish of this.#queue.clear(unsent)) publish.settle(unsent);
    this.#replies.close(reason);
    this.#dispatcher.close();
    if (reason === undefined) this.#closed.resolve();
    else this.#closed.reject(reason);
  }

  #ensureOpen(): Session {
    if (this.#problem !== undefined || this.#session === undefined) throw this.#closedError();
    return this.#session;
  }

  #closedError(): AgentClosedError {
    return new AgentClosedError(this.id, this.#problem ?? "was stopped", this.#cause);
  }

  #report(error: unknown, envelope: Envelope | undefined): void {
    const { onError } = this.#options;
    try {
      if (onError !== undefined) return onError(error, envelope);
    } catch (cause) {
      error = cause;
    }
    this.client.logger.error("something went wrong where nobody waits for it", { agentId: this.id, error });
  }
}

export function createAgent(options: AgentOptions): Agent {
  return new Agent(options);
}
