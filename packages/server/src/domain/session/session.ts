import { BoundedQueue, LoomError, type Runtime } from "@loom-bridge/protocol";
import type { Access } from "../access/access.ts";
import type { BusEvent } from "../bus/bus-event.ts";
import type { BusSubscription } from "../bus/bus-subscription.ts";
import { checkPublish } from "../bus/check-publish.ts";
import type { EventBus } from "../bus/event-bus.ts";
import type { Taken } from "../bus/outlet.ts";
import type { Verdict } from "../bus/settlement.ts";
import type { Subscriber } from "../bus/subscriber.ts";
import type { SubscriptionRequest } from "../bus/subscription-request.ts";
import type { Logger } from "../logger.ts";
import type { CallAs } from "../tools/call-as.ts";
import { AgentProvider } from "./agent-provider.ts";
import { AnswerRights } from "./answer-rights.ts";
import { Caller, type CallRequest } from "./caller.ts";
import { checkHearing } from "./check-hearing.ts";
import { type ControlFrame, doesNotRead, frameSize, isUrgent } from "./control-frame.ts";
import { Liveness } from "./liveness.ts";
import type { OnReady } from "./on-ready.ts";
import { PublishLine } from "./publish-line.ts";
import { checkSubscription, type Registration } from "./registration.ts";
import type { SessionSettings } from "./session-settings.ts";

export interface SessionParts {
  readonly registration: Registration;
  readonly subscriptions: readonly SubscriptionRequest[];
  readonly sessionId: string;
  readonly epoch: number;
  readonly bus: EventBus;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly settings: SessionSettings;
  /** Told what the agent alone is told otherwise, and what does not end its stream. */
  readonly onRefused: (error: LoomError) => void;
  /** What its principal may do as this agent. */
  readonly access: Access;
  readonly callTool: CallAs;
  /** Called once, when the session has ended. */
  readonly onEnd: (session: Session) => void;
}

/** Events for one subscription of a session. */
export interface SessionEvents extends Taken {
  readonly subscriptionId: number;
}

/** How a session ended: on purpose, or because of an error that its agent is told. */
export type SessionEnd = { readonly error: LoomError | undefined };

/** One agent's live stream: what it says comes in by calls, what it is told is taken by whoever owns the wire. */
export class Session {
  readonly agentId: string;
  readonly sessionId: string;
  readonly epoch: number;
  readonly registration: Registration;
  readonly access: Access;
  readonly connectedMs: number;
  /** The log that offsets count in, and its last offset when the session began. */
  readonly log: { readonly id: string; readonly head: number };
  readonly provider: AgentProvider;
  readonly #parts: SessionParts;
  readonly #subscriber: Subscriber;
  readonly #subscriptions = new Map<number, { request: SubscriptionRequest; subscription: BusSubscription }>();
  readonly #control: BoundedQueue<ControlFrame>;
  readonly #caller: Caller;
  readonly #publishes: PublishLine;
  readonly #answers: AnswerRights | undefined;
  readonly #liveness: Liveness;
  #heartbeat: number | undefined;
  #onReady: OnReady = () => {};
  #finishing = false;
  #ended: SessionEnd | undefined;

  constructor(parts: SessionParts) {
    const { registration, runtime, settings, bus } = parts;
    this.#parts = parts;
    this.registration = registration;
    this.access = parts.access;
    this.agentId = registration.agentId;
    this.sessionId = parts.sessionId;
    this.epoch = parts.epoch;
    this.connectedMs = runtime.now();
    this.log = bus.log;
    this.#answers = this.access.isUnrestricted ? undefined : new AnswerRights(runtime);
    const wake = (): void => this.#onReady();
    const send = (frame: ControlFrame): void => this.#send(frame);
    const end = (error: LoomError): void => this.end(error);
    this.#control = new BoundedQueue({ maxItems: settings.maxControlFrames, maxBytes: settings.maxControlBytes });
    this.#subscriber = { name: this.agentId, onReady: wake, onStall: end, entries: new Map() };
    this.#publishes = new PublishLine({
      bus,
      check:
        this.#answers &&
        ((event) => {
          if (!this.#answers?.mayAnswerOn(event.topic)) checkPublish(bus, this.access, event);
        }),
      window: settings.publishWindow,
      maxBytes: settings.publishBytes,
      onChange: wake,
      onRefused: end,
    });
    this.provider = new AgentProvider(this.agentId, this.access.owner, send);
    this.#caller = new Caller({
      maxOpenCalls: settings.maxOpenCalls,
      authorityOf: (ref) => this.provider.authorityOf(ref),
      call: (request, signal) => parts.callTool(this.access, request, signal),
      send,
      onRefused: parts.onRefused,
      onDefect: (error) => parts.logger.error("a tool call failed", { agentId: this.agentId, error }),
    });
    try {
      for (const request of parts.subscriptions) this.#subscribe(request);
    } catch (error) {
      // One does not fit its group: nothing of the registration stands.
      for (const id of [...this.#subscriptions.keys()]) this.#unsubscribe(id);
      throw error;
    }
    const { heartbeatIntervalMs } = settings;
    this.#liveness = new Liveness({
      runtime,
      heartbeatIntervalMs,
      // While publishes wait for others, the bridge does not read.
      isHeldBack: () => this.#publishes.congested,
      onSilence: (silenceMs) => {
        const details = { limit: "heartbeatIntervalMs", value: String(heartbeatIntervalMs) };
        const problem = `no heartbeat for ${silenceMs} ms; send one every ${heartbeatIntervalMs} ms`;
        this.end(new LoomError("unavailable", problem, { details }));
      },
    });
  }

  get ended(): SessionEnd | undefined {
    return this.#ended;
  }

  /** When the agent last said something, in milliseconds since the Unix epoch. */
  get lastSeenMs(): number {
    return this.#liveness.lastSeenMs;
  }

  /** Whether no heartbeat is missing. */
  get isActive(): boolean {
    return this.#liveness.isActive;
  }

  get subscriptions(): SubscriptionRequest[] {
    return [...this.#subscriptions.values()].map(({ request }) => request);
  }

  /** The agent said something, whatever it was. */
  heard(): void {
    this.#liveness.heard();
  }

  /** Publishes what one message brought. `firstRef` is the first event's; those of the others follow. 0: no receipts. */
  publish(firstRef: number, events: readonly BusEvent[]): void {
    this.#publishes.submitAll(firstRef, events);
  }

  /** Resolves when the session can take more publishes: at once, unless too many wait for slow subscribers. */
  readyForMore(): Promise<void> | undefined {
    if (!this.#publishes.congested) return undefined;
    return this.#publishes.calm().then(() => this.heard());
  }

  heartbeat(timestampMs: number): void {
    this.#heartbeat = timestampMs;
    this.#onReady();
  }

  /** Adds a subscription or replaces the one with its id; the agent is told whether it stands. */
  subscribe(request: SubscriptionRequest): void {
    try {
      const others = this.subscriptions.filter(({ id }) => id !== request.id);
      checkSubscription(request, others, this.#parts.settings);
      checkHearing(this.access, request);
      this.#unsubscribe(request.id);
      const logOffset = this.#parts.bus.log.head;
      const { groupMembers } = this.#subscribe(request);
      this.#send({ kind: "subscription-ack", id: request.id, active: true, problem: "", groupMembers, logOffset });
    } catch (error) {
      if (!LoomError.isInstance(error)) throw error;
      this.#parts.onRefused(error);
      const subscription = this.#subscriptions.get(request.id)?.subscription;
      this.#send({
        kind: "subscription-ack",
        id: request.id,
        active: subscription !== undefined,
        problem: error.rawMessage,
        groupMembers: subscription?.groupMembers ?? 0,
        logOffset: 0,
      });
    }
  }

  unsubscribe(id: number): void {
    this.#unsubscribe(id);
    this.#send({ kind: "subscription-ack", id, active: false, problem: "", groupMembers: 0, logOffset: 0 });
  }

  acknowledge(subscriptionId: number, sequence: number): void {
    this.#subscriptions.get(subscriptionId)?.subscription.acknowledge(sequence);
  }

  /** Settles one event of a subscription with at least once. */
  settle(subscriptionId: number, sequence: number, verdict: Verdict): void {
    this.#subscriptions.get(subscriptionId)?.subscription.settle(sequence, verdict);
  }

  callTool(ref: number, request: CallRequest, onBehalfOf = 0): void {
    this.#caller.call(ref, request, onBehalfOf);
  }

  cancelCall(ref: number): void {
    this.#caller.cancel(ref);
  }

  /** Has `onReady` called when there may be something to take, and at the end. Promises would grow old while idle. */
  whenReady(onReady: OnReady): void {
    this.#onReady = onReady;
  }

  /** Takes what is to be said besides events; before the events, so that they never delay it. */
  takeControl(): ControlFrame[] {
    const frames = this.#control.take();
    if (this.#heartbeat !== undefined) frames.push({ kind: "heartbeat-ack", timestampMs: this.#heartbeat });
    this.#heartbeat = undefined;
    const receipts = this.#publishes.takeReceipts();
    if (receipts.length > 0) frames.push({ kind: "receipts", receipts });
    return frames;
  }

  /** Takes events, from every subscription its share. */
  takeEvents(): SessionEvents[] {
    const { batchEvents, batchBytes } = this.#parts.settings;
    const batches: SessionEvents[] = [];
    for (const [subscriptionId, { subscription }] of this.#subscriptions) {
      for (const taken of subscription.take(batchEvents, batchBytes)) {
        this.#answers?.heard(taken.events);
        batches.push({ ...taken, subscriptionId });
      }
    }
    return batches;
  }

  /** Tells the agent that the bridge will soon end the session. */
  drain(reason: string, graceMs: number): void {
    this.#send({ kind: "drain", reason, graceMs });
  }

  /** The agent has nothing more to say: ends the session when all it said is done and all it is to hear was taken. */
  async finish(): Promise<void> {
    await this.#publishes.idle();
    this.#finishing = true;
    this.#onReady();
  }

  /** Whoever owns the wire has taken and written all that there was. */
  nothingLeft(): void {
    if (this.#finishing) this.end(undefined);
  }

  /** Ends the session, once: nothing of it remains on the bus or among the tools. */
  end(error: LoomError | undefined): void {
    if (this.#ended !== undefined) return;
    this.#ended = { error };
    this.#liveness.close();
    for (const id of [...this.#subscriptions.keys()]) this.#unsubscribe(id);
    this.#caller.close();
    this.provider.lose();
    this.#publishes.close();
    this.#parts.onEnd(this);
    this.#onReady();
  }

  #subscribe(request: SubscriptionRequest): BusSubscription {
    if (checkHearing(this.access, request)) {
      this.#subscriber.accepts = ({ topic, key = "" }) => this.access.mayHear(topic, key);
    }
    const subscription = this.#parts.bus.subscribe(this.#subscriber, request);
    this.#subscriptions.set(request.id, { request, subscription });
    return subscription;
  }

  #unsubscribe(id: number): void {
    const entry = this.#subscriptions.get(id);
    if (entry === undefined) return;
    this.#subscriptions.delete(id);
    this.#parts.bus.unsubscribe(this.#subscriber, entry.subscription);
  }

  #send(frame: ControlFrame): void {
    if (this.#ended !== undefined) return;
    if (this.#control.offer(frame, frameSize(frame)) < 0) {
      this.end(doesNotRead(this.#control.length, this.#parts.settings));
      return;
    }
    this.#onReady(isUrgent(frame));
  }
}
