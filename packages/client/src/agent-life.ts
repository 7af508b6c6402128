import { type LoomError, Wakeup } from "@loom-bridge/protocol";
import type { Ack, Gap, Register } from "@loom-bridge/protocol/messages";
import type { BridgeClient } from "./bridge-client.ts";
import { type ConnectionStatus, StatusBoard } from "./connection/connection-status.ts";
import { createDeferred } from "./connection/deferred.ts";
import type { PublishLane } from "./connection/publish-lane.ts";
import type { ReconnectOptions } from "./connection/reconnect-options.ts";
import { Session } from "./connection/session.ts";
import { SessionKeeper } from "./connection/session-keeper.ts";
import { AgentClosedError } from "./errors/agent-closed-error.ts";
import type { AgentSubscriptions } from "./events/agent-subscriptions.ts";
import type { EventDispatcher } from "./events/event-dispatcher.ts";
import type { ReplyWaiters } from "./events/reply-waiters.ts";
import type { Tool } from "./tools/define-tool.ts";
import type { ToolCalls } from "./tools/tool-calls.ts";

export interface AgentLifeOptions {
  readonly agentId: string;
  readonly client: BridgeClient;
  /** Whether the client ends with the agent. */
  readonly ownsClient: boolean;
  /** Makes the registration for the next stream. */
  readonly createRegister: () => Register;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly heartbeatIntervalMs: number | undefined;
  readonly drainTimeoutMs: number;
  readonly reconnect: ReconnectOptions | false;
  readonly retryStart: boolean;
  readonly publishes: PublishLane;
  readonly calls: ToolCalls;
  readonly replies: ReplyWaiters;
  readonly subscriptions: AgentSubscriptions;
  readonly dispatcher: EventDispatcher;
  readonly onGap: (gap: Gap) => void;
}

/** The life of an agent: its start, its sessions, its end. */
export class AgentLife {
  readonly #options: AgentLifeOptions;
  readonly #board = new StatusBoard();
  readonly #started = createDeferred<void>();
  readonly #closed = createDeferred<void>();
  readonly #progress = new Wakeup();
  readonly #keeper: SessionKeeper;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #ending: Promise<void> | undefined;
  /** Why the agent cannot be used now. */
  #problem: string | undefined = "is not started; call start() first";
  #cause: LoomError | undefined;
  #connectionGeneration = 0;
  #forgetClient = (): void => {};

  constructor(options: AgentLifeOptions) {
    this.#options = options;
    const { client, subscriptions } = options;
    this.#keeper = new SessionKeeper({
      runtime: client.runtime,
      reconnect: options.reconnect,
      retryStart: options.retryStart,
      connect: () => client.connect(),
      openSession: (onOnline) => this.#openSession(onOnline),
      renewConnection: () => client.renewConnection(this.#connectionGeneration),
      renewCredentials: () => client.renewCredentials(),
      onStatus: (status) => this.#onStatus(status),
      onOnline: (ack) => this.#onOnline(ack),
      onLost: () => subscriptions.lost(),
    });
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get status(): ConnectionStatus {
    return this.#board.current;
  }

  watchStatus(): AsyncIterableIterator<ConnectionStatus> {
    return this.#board.watch();
  }

  /** @throws AgentClosedError when the agent is not running; while it reconnects, it is. */
  ensureRunning(): void {
    if (this.#problem !== undefined) throw this.#closedError();
  }

  /** Resolves with the session that stands, or the next one that does; rejects when the agent has ended. */
  nextSession(): Promise<Session> {
    return this.#keeper.next();
  }

  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  drain(timeoutMs: number = this.#options.drainTimeoutMs): Promise<void> {
    this.#stopping ??= this.#stop(timeoutMs);
    return this.#stopping;
  }

  /** Says that something has come to an end that `drain()` may wait for. */
  progressed(): void {
    this.#progress.wake();
  }

  async #start(): Promise<void> {
    if (this.#stopping !== undefined) throw this.#closedError();
    this.#forgetClient = this.#options.client.onDisconnect(() => this.drain());
    void this.#keeper.run().then((reason) => this.#end(reason));
    await this.#started.promise;
  }

  #openSession(onOnline: (ack: Ack) => void): Session {
    const { agentId, client, subscriptions, reconnect } = this.#options;
    const { logger } = client;
    this.#connectionGeneration = client.connectionGeneration;
    return new Session({
      openStream: (outbound, signal) => client.stream(outbound, { signal }),
      address: client.address,
      runtime: client.runtime,
      register: this.#options.createRegister(),
      publishes: this.#options.publishes,
      calls: this.#options.calls,
      tools: { agentId, tools: this.#options.tools },
      heartbeatIntervalMs: this.#options.heartbeatIntervalMs,
      onAck(ack) {
        subscriptions.onAck(ack);
        onOnline(ack);
      },
      settling: (subscription) => subscriptions.settling(subscription),
      onEvent: (encoded, sequence, arrival) => subscriptions.receive(encoded, sequence, arrival),
      onGap: this.#options.onGap,
      onDrain({ reason, graceMs }) {
        logger.info("the bridge is about to end the stream", { agentId, reason, graceMs });
        return reconnect !== false;
      },
      onProgress: () => this.progressed(),
    });
  }

  #onStatus(status: ConnectionStatus): void {
    const { agentId, client } = this.#options;
    const { attempt, nextAttemptMs, reason } = status;
    if (nextAttemptMs !== undefined) {
      client.logger.warn("the stream was lost", { agentId, attempt, nextAttemptMs, reason: reason?.message });
    }
    this.#board.set(this.#stopping === undefined ? status : { ...status, state: "draining" });
  }

  #onOnline({ sessionId, epoch }: Ack): void {
    const { agentId, client } = this.#options;
    if (this.#stopping === undefined) this.#problem = undefined;
    else this.#keeper.session?.refuseCalls();
    client.logger.info("registered", { agentId, sessionId, epoch: Number(epoch) });
    this.#started.resolve();
  }

  async #stop(timeoutMs: number): Promise<void> {
    this.#options.dispatcher.pause();
    this.#keeper.session?.refuseCalls();
    if (this.#problem === undefined) {
      this.#board.set({ ...this.#board.current, state: "draining" });
      await this.#finishWork(timeoutMs);
    }
    await this.#keeper.close("stopped");
    await this.#end(undefined);
  }

  async #finishWork(timeoutMs: number): Promise<void> {
    const { client, dispatcher, publishes } = this.#options;
    let expired = false;
    const timer = client.runtime.setTimer(() => {
      expired = true;
      this.#progress.wake();
    }, timeoutMs);
    const isBusy = (): boolean => dispatcher.running + publishes.length + (this.#keeper.session?.busy ?? 0) > 0;
    while (!expired && this.#problem === undefined && isBusy()) await this.#progress.wait();
    timer.cancel();
  }

  /** Ends everything that belongs to the agent, once: what comes first decides the reason. */
  #end(reason: LoomError | undefined): Promise<void> {
    this.#ending ??= this.#finish(reason);
    return this.#ending;
  }

  async #finish(reason: LoomError | undefined): Promise<void> {
    const { client, ownsClient, publishes, calls, replies, dispatcher } = this.#options;
    this.#problem = reason === undefined ? "was stopped" : `is closed: ${reason.rawMessage}`;
    this.#cause = reason;
    const closed = this.#closedError();
    this.#keeper.reject(closed);
    publishes.close(reason, closed);
    calls.close(reason, closed);
    replies.close(reason);
    dispatcher.close();
    this.#progress.wake();
    this.#board.set({ state: "closed", attempt: 0, ...(reason === undefined ? {} : { reason }) });
    if (reason === undefined) this.#closed.resolve();
    else this.#closed.reject(reason);
    this.#forgetClient();
    if (ownsClient) await client.disconnect();
    this.#started.reject(reason ?? closed);
  }

  #closedError(): AgentClosedError {
    return new AgentClosedError(this.#options.agentId, this.#problem ?? "was stopped", this.#cause);
  }
}
