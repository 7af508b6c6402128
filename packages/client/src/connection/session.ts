import { create } from "@bufbuild/protobuf";
import { heartbeatIntervalMs, LoomError, type Timer } from "@loom-bridge/protocol";
import {
  type Ack,
  type ClientEvent,
  type Drain,
  type EventBatch,
  Feature,
  type Gap,
  GoodbyeSchema,
} from "@loom-bridge/protocol/messages";
import { ConnectionError } from "../errors/connection-error.ts";
import { RequestTimeoutError } from "../errors/request-timeout-error.ts";
import { ToolServer } from "../tools/tool-server.ts";
import { EncodedBatch } from "../wire/encoded-batch.ts";
import { clientEvent } from "./client-event.ts";
import { EventAcks } from "./event-acks.ts";
import type { EventLine } from "./event-line.ts";
import { EventSettlements } from "./event-settlements.ts";
import { forEachMessage } from "./for-each-message.ts";
import { Heartbeat } from "./heartbeat.ts";
import { isFinal } from "./is-final.ts";
import { type FrameSource, OneFrame, Outbox } from "./outbox.ts";
import { type DeliveryRoutes, routeDelivery } from "./route-delivery.ts";
import { SendQueue } from "./send-queue.ts";
import type { SessionOptions } from "./session-options.ts";
import { acknowledged } from "./settlement.ts";
import { SubscriptionRequests } from "./subscription-requests.ts";

/** How long the bridge may take to answer Register, and to end the stream after Goodbye. */
const ackTimeoutMs = 10_000;
const goodbyeTimeoutMs = 2000;
/** Of the time that a draining bridge gives, the part in which to finish: the rest is for saying goodbye. */
const drainShare = 0.8;

/** One stream's life: from Register to its end. */
export class Session {
  /** Resolves when the stream is over: with nothing if that was asked for, else with the reason. */
  readonly ended: Promise<LoomError | undefined>;
  readonly subscriptions: SubscriptionRequests;
  readonly #acks: EventAcks;
  readonly #settlements: EventSettlements;
  readonly #options: SessionOptions;
  readonly #control = new SendQueue<ClientEvent>();
  readonly #heartbeat: Heartbeat;
  readonly #toolServer: ToolServer;
  readonly #outbox: Outbox;
  readonly #abort = new AbortController();
  readonly #goodbye = new OneFrame();
  readonly #registerTimer: Timer;
  #closing = false;
  #silent = false;
  #moveTimer: Timer | undefined;
  #moving = false;
  #hasMoved = false;
  #failure: LoomError | undefined;
  #isOver = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { runtime } = options;
    const notify = (): void => this.#outbox.notify();
    const send = (frame: ClientEvent, bytes = 0): Promise<void> => this.#send(frame, bytes);
    this.#acks = new EventAcks(notify);
    this.#settlements = new EventSettlements(runtime, notify);
    this.subscriptions = new SubscriptionRequests(runtime, send);
    const onIdle = (): void => this.#progressed();
    const answer = (frame: ClientEvent, bytes: number): void => this.#answer(frame, bytes);
    this.#toolServer = new ToolServer({ ...options.tools, runtime, send: answer, onIdle });
    this.#heartbeat = new Heartbeat({ runtime, onBeat: notify, onSilence: (ms) => this.#lose(ms) });
    const register = new OneFrame(clientEvent("register", options.register));
    const control: FrameSource = { take: () => this.#takeControl() };
    const { calls, publishes } = options;
    const acks = [this.#acks, this.#settlements];
    const sources = [register, this.#heartbeat, ...acks, control, calls, publishes, this.#goodbye];
    this.#outbox = new Outbox(runtime, sources);
    this.#control.listen(() => this.#outbox.hurry());
    this.#registerTimer = runtime.setTimer(() => {
      this.#silent = true;
      this.#fail(new RequestTimeoutError("Register", ackTimeoutMs));
    }, ackTimeoutMs);
    this.ended = this.#run();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Frames that wait to be sent, and calls of the agent's tools. */
  get busy(): number {
    return this.#control.length + this.#toolServer.busy;
  }

  /** Whether the bridge fell silent: the connection below may be dead and not know it. */
  get isSilent(): boolean {
    return this.#silent;
  }

  /** Takes no calls of the agent's tools any more. */
  refuseCalls(): void {
    this.#toolServer.refuse();
  }

  /** Forgets a subscription that has ended. */
  forget(subscription: number): void {
    this.#acks.forget(subscription);
    this.#settlements.forget(subscription);
  }

  /** Says goodbye and ends the stream for good. What is queued for sending goes first. */
  close(reason: string): Promise<void> {
    this.#closing = true;
    return this.#leave(reason);
  }

  async #leave(reason: string): Promise<void> {
    this.#goodbye.put(clientEvent("goodbye", create(GoodbyeSchema, { reason })));
    this.#outbox.end();
    const timer = this.#options.runtime.setTimer(() => this.#abort.abort(), goodbyeTimeoutMs);
    await this.ended;
    timer.cancel();
  }

  async #run(): Promise<LoomError | undefined> {
    const { openStream } = this.#options;
    const routes = this.#routes();
    try {
      await forEachMessage(openStream(this.#outbox, this.#abort.signal), (delivery) => {
        this.#heartbeat.heard();
        try {
          routeDelivery(delivery, routes);
        } catch (error) {
          this.#fail(toLoomError(error));
        }
      });
    } catch (error) {
      this.#failure ??= toLoomError(error);
    }
    return this.#finish();
  }

  async #send(frame: ClientEvent, bytes: number): Promise<void> {
    if (this.#isOver) throw new LoomError("unavailable", "the stream has ended", { cause: this.#failure });
    return this.#control.send(frame, bytes);
  }

  /** When the stream is over, so is the call. Where too many answers wait for the network, no caller may wait for one in vain. */
  #answer(frame: ClientEvent, bytes: number): void {
    if (this.#isOver || this.#control.offer(frame, bytes)) return;
    this.#control.send(frame, bytes).catch((error: unknown) => this.#fail(toLoomError(error)));
  }

  #takeControl(): ClientEvent | undefined {
    const frame = this.#control.shift();
    if (frame !== undefined) this.#progressed();
    return frame;
  }

  #finish(): LoomError | undefined {
    this.#isOver = true;
    const { address, publishes, calls } = this.#options;
    const ended = new ConnectionError(address, `the stream to ${address} ended without a reason`);
    const reason = this.#closing || this.#hasMoved ? this.#unlessFinal() : (this.#failure ?? ended);
    this.#registerTimer.cancel();
    this.#heartbeat.stop();
    this.#moveTimer?.cancel();
    // What outlives the stream must not be taken by its outbox any more.
    void this.#outbox.return();
    this.#control.clear(reason ?? new LoomError("canceled", "the agent was stopped"));
    publishes.detach();
    calls.detach(reason);
    this.#settlements.close();
    this.subscriptions.close(reason);
    this.#toolServer.close();
    this.#options.onProgress();
    return reason;
  }

  #routes(): DeliveryRoutes {
    return {
      ack: (ack) => this.#onAck(ack),
      eventBatch: (batch) => this.#onEventBatch(batch),
      receiptBatch: (batch) => {
        this.#options.publishes.onReceipts(batch);
        this.#progressed();
      },
      toolRequest: (request) => this.#toolServer.onRequest(request, this.#heartbeat.lastHeardMs),
      toolResponse: (response) => {
        this.#options.calls.onResponse(response);
        this.#progressed();
      },
      toolCancel: (cancel) => this.#toolServer.onCancel(cancel),
      subscriptionAck: (ack) => this.subscriptions.onAck(ack),
      gap: (gap) => this.#onGap(gap),
      drain: (drain) => this.#onDrain(drain),
    };
  }

  #onAck(ack: Ack): void {
    if (!ack.features.includes(Feature.BATCHES)) {
      const message = "the bridge cannot send events in batches; update the bridge";
      this.#fail(new LoomError("failed_precondition", message));
      return;
    }
    this.#registerTimer.cancel();
    this.#options.onAck(ack);
    const notify = (): void => this.#outbox.notify();
    this.#options.publishes.attach(ack.publishWindow, notify);
    this.#options.calls.attach(ack.maxOpenCalls, () => this.#outbox.hurry());
    const intervalMs = this.#options.heartbeatIntervalMs ?? (ack.heartbeatIntervalMs || heartbeatIntervalMs);
    this.#heartbeat.start(intervalMs, ack.features.includes(Feature.NOTICES));
    this.#outbox.notify();
  }

  #onEventBatch(batch: EventBatch): void {
    const { subscription } = batch;
    const { onEvent } = this.#options;
    const receivedMs = this.#heartbeat.lastHeardMs;
    const line = this.#line(subscription);
    const arrival = { line, subscription, attempt: batch.attempt || 1, receivedMs };
    let sequence = Number(batch.firstSequence);
    for (const encoded of EncodedBatch.eventsOf(batch)) {
      line.received(sequence);
      onEvent(encoded, sequence, arrival);
      sequence += 1;
    }
  }

  #onGap(gap: Gap): void {
    const { subscription } = gap;
    const lastSequence = Number(gap.lastSequence);
    const line = this.#line(subscription);
    line.received(lastSequence);
    line.settle(lastSequence, acknowledged);
    this.#options.onGap(gap);
  }

  #line(subscription: number): EventLine {
    const settling = this.#options.settling(subscription);
    if (settling === undefined) return this.#acks.line(subscription);
    return this.#settlements.line(subscription, settling.extendEveryMs);
  }

  /** Finishes what is in hand, then goes, so that the agent can come back to a bridge that stays. */
  #onDrain(drain: Drain): void {
    if (!this.#options.onDrain(drain) || this.#moving) return;
    this.#moving = true;
    this.#options.publishes.pause();
    this.#moveTimer = this.#options.runtime.setTimer(() => this.#move(), drain.graceMs * drainShare);
    this.#progressed();
  }

  #move(): void {
    if (this.#closing || this.#hasMoved) return;
    this.#hasMoved = true;
    void this.#leave("moved");
  }

  /** Who leaves cares for no end but one that forbids to come back. */
  #unlessFinal(): LoomError | undefined {
    return !this.#closing && this.#failure !== undefined && isFinal(this.#failure) ? this.#failure : undefined;
  }

  #progressed(): void {
    const { publishes, calls, onProgress } = this.#options;
    if (this.#moving && this.busy + publishes.unanswered + calls.sent === 0) this.#move();
    onProgress();
  }

  #lose(silentMs: number): void {
    const { address } = this.#options;
    const message = `nothing came from ${address} for ${Math.round(silentMs)} ms; the connection is taken for lost`;
    this.#silent = true;
    this.#fail(new ConnectionError(address, message));
  }

  #fail(reason: LoomError): void {
    this.#failure ??= reason;
    this.#abort.abort();
  }
}

function toLoomError(error: unknown): LoomError {
  return LoomError.isInstance(error) ? error : new LoomError("internal", String(error), { cause: error });
}
