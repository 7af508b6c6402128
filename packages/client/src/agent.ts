import { LoomError, type Runtime, repliesTopic, Wakeup } from "@loom-bridge/protocol";
import { ToolStatus } from "@loom-bridge/protocol/messages";
import { type AgentOptions, type AgentPlan, planAgent } from "./agent-options.ts";
import { BridgeClient } from "./bridge-client.ts";
import { createDeferred } from "./connection/deferred.ts";
import type { OutgoingPublish, PublishReceipt } from "./connection/publish-lane.ts";
import { SendQueue } from "./connection/send-queue.ts";
import { Session } from "./connection/session.ts";
import { AgentClosedError } from "./errors/agent-closed-error.ts";
import { ToolError } from "./errors/tool-error.ts";
import type { Envelope } from "./events/envelope.ts";
import { EventDispatcher } from "./events/event-dispatcher.ts";
import type { EventInit } from "./events/event-init.ts";
import type { Payload } from "./events/payload.ts";
import { Publisher } from "./events/publisher.ts";
import { ReplyWaiters } from "./events/reply-waiters.ts";
import type { RequestOptions } from "./events/request-options.ts";
import { createSubscription, type EventHandler, type SubscribeOptions } from "./events/subscription-init.ts";
import { type AgentMemory, createAgentMemory } from "./memory/agent-memory.ts";
import type { CallToolOptions } from "./tools/call-tool-options.ts";
import type { Tool } from "./tools/define-tool.ts";
import { encodeArguments } from "./tools/encode-arguments.ts";

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
  readonly #dispatcher: EventDispatcher;
  readonly #progress = new Wakeup();
  readonly #closed = createDeferred<void>();
  #nextSubscription: number;
  #session: Session | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #problem: string | undefined = "is not started; call start() first";
  #cause: LoomError | undefined;

  /** @throws LoomError `invalid_argument` that names the option. */
  constructor(options: AgentOptions) {
    this.#options = options;
    this.#plan = planAgent(options);
    this.#nextSubscription = this.#plan.nextSubscription;
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
    const { timeoutMs = 5000, signal, ...init } = options;
    this.#ensureOpen();
    if (!(timeoutMs > 0)) {
      throw new LoomError("invalid_argument", `timeoutMs of a request is ${timeoutMs}; it must be greater than 0`);
    }
    const id = init.id ?? this.#runtime.uuid();
    const reply = this.#replies.wait(id, timeoutMs, signal);
    const question = { type: "request", payload, ...init, id, correlationId: id, replyTo: repliesTopic(this.id) };
    this.publish(topic, question).then(
      ({ matched }) => {
        if (matched > 0) return;
        const message = `nobody subscribes to ${topic}, so nobody can reply`;
        this.#replies.reject(id, new LoomError("unavailable", message, { details: { topic } }));
      },
      (error: LoomError) => this.#replies.reject(id, error),
    );
    return reply;
  }

  /**
   * Calls a tool and returns its output.
   * @throws ToolError when the tool gives none; OutcomeUnknownError when the stream ended before the answer.
   */
  callTool<Args, Result>(tool: Tool<Args, Result>, args: Args, options?: CallToolOptions): Promise<Result>;
  callTool(name: string, args?: unknown, options?: CallToolOptions): Promise<unknown>;
  async callTool(tool: string | Tool, args?: unknown, options: CallToolOptions = {}): Promise<unknown> {
    const session = this.#ensureOpen();
    const { signal, headers = {}, ...call } = options;
    const name = typeof tool === "string" ? tool : tool.name;
    const json = encodeArguments(name, args);
    const result = await session.calls.call({ ...call, name, arguments: json, headers: { ...headers } }, signal);
    if (result.status !== ToolStatus.TOOL_OK) throw ToolError.fromResult(name, result);
    return JSON.parse(result.output || "null");
  }

  /** Adds a subscription and returns its id. Default handler: `onEvent`. */
  async subscribe(
    filters: string | readonly string[],
    options: SubscribeOptions = {},
    handler?: EventHandler,
  ): Promise<number> {
    const session = this.#ensureOpen();
    const subscription = createSubscription(this.#nextSubscription, { ...options, filters }, this.#plan.window);
    this.#nextSubscription += 1;
    // Before the bridge is asked: events may follow its answer at once.
    this.#dispatcher.setHandler(subscription.id, handler);
    await session.subscriptions.subscribe(subscription).catch((error: unknown) => {
      this.#dispatcher.setHandler(subscription.id, undefined);
      throw error;
    });
    return subscription.id;
  }

  /** Ends a subscription. Events that have come already are still handled. */
  async unsubscribe(id: number): Promise<void> {
    const session = this.#ensureOpen();
    await session.subscriptions.unsubscribe(id);
    session.acks.forget(id);
    this.#dispatcher.setHandler(id, undefined);
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
