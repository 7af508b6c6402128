import { type LoomError, Wakeup } from "@loom-bridge/protocol";
import type { Register } from "@loom-bridge/protocol/messages";
import type { BridgeClient } from "./bridge-client.ts";
import { createDeferred } from "./connection/deferred.ts";
import type { OutgoingPublish } from "./connection/publish-lane.ts";
import type { SendQueue } from "./connection/send-queue.ts";
import { Session } from "./connection/session.ts";
import { AgentClosedError } from "./errors/agent-closed-error.ts";
import type { EventDispatcher } from "./events/event-dispatcher.ts";
import type { ReplyWaiters } from "./events/reply-waiters.ts";
import type { Tool } from "./tools/define-tool.ts";

export interface AgentLifeOptions {
  readonly agentId: string;
  readonly client: BridgeClient;
  /** Whether the client ends with the agent. */
  readonly ownsClient: boolean;
  readonly register: Register;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly heartbeatIntervalMs: number | undefined;
  readonly drainTimeoutMs: number;
  readonly queue: SendQueue<OutgoingPublish>;
  readonly replies: ReplyWaiters;
  readonly dispatcher: EventDispatcher;
}

/** The life of an agent: its start, its session, its end. */
export class AgentLife {
  readonly #options: AgentLifeOptions;
  readonly #closed = createDeferred<void>();
  readonly #progress = new Wakeup();
  #session: Session | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #ending: Promise<void> | undefined;
  /** Why the agent cannot be used now. */
  #problem: string | undefined = "is not started; call start() first";
  #cause: LoomError | undefined;
  #forgetClient = (): void => {};

  constructor(options: AgentLifeOptions) {
    this.#options = options;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** @throws AgentClosedError when the agent is not running. */
  ensureRunning(): Session {
    if (this.#problem !== undefined || this.#session === undefined) throw this.#closedError();
    return this.#session;
  }

  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Says that something has come to an end that `stop()` may wait for. */
  progressed(): void {
    this.#progress.wake();
  }

  async #start(): Promise<void> {
    const { agentId, client } = this.#options;
    if (this.#stopping !== undefined) throw this.#closedError();
    this.#forgetClient = client.onDisconnect(() => this.stop());
    try {
      await client.connect();
    } catch (error) {
      await this.#end(error as LoomError);
      throw error;
    }
    // It may have been stopped while it connected.
    if (this.#stopping !== undefined) throw this.#closedError();
    const session = this.#openSession();
    void session.ended.then((reason) => this.#end(reason));
    const ack = await session.acked;
    this.#problem = undefined;
    client.logger.info("registered", { agentId, sessionId: ack.sessionId, epoch: Number(ack.epoch) });
  }

  #openSession(): Session {
    const { agentId, client, dispatcher } = this.#options;
    const { logger } = client;
    const onProgress = (): void => this.progressed();
    this.#session = new Session({
      openStream: (outbound, signal) => client.stream(outbound, { signal }),
      address: client.address,
      runtime: client.runtime,
      register: this.#options.register,
      publishes: this.#options.queue,
      tools: { agentId, tools: this.#options.tools, onIdle: onProgress },
      heartbeatIntervalMs: this.#options.heartbeatIntervalMs,
      onEvent: (event) => dispatcher.dispatch(event),
      onGap({ subscription, firstSequence, lastSequence }) {
        const lost = Number(lastSequence - firstSequence) + 1;
        logger.warn("events were lost: this agent's queue was full", { agentId, subscription, lost });
      },
      onDrain({ reason, graceMs }) {
        logger.info("the bridge is about to end the stream", { agentId, reason, graceMs });
      },
      onProgress,
    });
    return this.#session;
  }

  async #stop(): Promise<void> {
    this.#options.dispatcher.pause();
    if (this.#problem === undefined) await this.#drain();
    await this.#session?.close("stopped");
    await this.#end(undefined);
  }

  async #drain(): Promise<void> {
    const { client, dispatcher, drainTimeoutMs } = this.#options;
    let expired = false;
    const timer = client.runtime.setTimer(() => {
      expired = true;
      this.#progress.wake();
    }, drainTimeoutMs);
    const isBusy = (): boolean => dispatcher.running > 0 || this.#session?.idle === false;
    while (!expired && this.#problem === undefined && isBusy()) await this.#progress.wait();
    timer.cancel();
  }

  /** Ends everything that belongs to the agent, once: what comes first decides the reason. */
  #end(reason: LoomError | undefined): Promise<void> {
    this.#ending ??= this.#finish(reason);
    return this.#ending;
  }

  async #finish(reason: LoomError | undefined): Promise<void> {
    const { client, ownsClient, queue, replies, dispatcher } = this.#options;
    this.#problem = reason === undefined ? "was stopped" : `is closed: ${reason.rawMessage}`;
    this.#cause = reason;
    const unsent = this.#closedError();
    for (const publish of queue.clear(unsent)) publish.settle(unsent);
    replies.close(reason);
    dispatcher.close();
    if (reason === undefined) this.#closed.resolve();
    else this.#closed.reject(reason);
    this.#forgetClient();
    if (ownsClient) await client.disconnect();
  }

  #closedError(): AgentClosedError {
    return new AgentClosedError(this.#options.agentId, this.#problem ?? "was stopped", this.#cause);
  }
}
