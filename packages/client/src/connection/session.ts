import { create } from "@bufbuild/protobuf";
import { heartbeatIntervalMs, LoomError } from "@loom-bridge/protocol";
import {
  type Ack,
  type ClientEvent,
  type EventBatch,
  Feature,
  type Gap,
  GoodbyeSchema,
} from "@loom-bridge/protocol/messages";
import { ConnectionError } from "../errors/connection-error.ts";
import { RequestTimeoutError } from "../errors/request-timeout-error.ts";
import { ToolCalls } from "../tools/tool-calls.ts";
import { ToolServer } from "../tools/tool-server.ts";
import { clientEvent } from "./client-event.ts";
import { createDeferred } from "./deferred.ts";
import { EventAcks } from "./event-acks.ts";
import { Heartbeat } from "./heartbeat.ts";
import { type FrameSource, OneFrame, Outbox } from "./outbox.ts";
import { PublishLane } from "./publish-lane.ts";
import { type DeliveryRoutes, routeDelivery } from "./route-delivery.ts";
import { SendQueue } from "./send-queue.ts";
import type { SessionOptions } from "./session-options.ts";
import { SubscriptionRequests } from "./subscription-requests.ts";

/** How long the bridge may take to answer Register, and to end the stream after Goodbye. */
const ackTimeoutMs = 10_000;
const goodbyeTimeoutMs = 2000;

/** One stream's life: from Register to its end. */
export class Session {
  /** Resolves when the stream is over: with nothing if that was asked for, else with the reason. */
  readonly ended: Promise<LoomError | undefined>;
  readonly calls: ToolCalls;
  readonly subscriptions: SubscriptionRequests;
  readonly acks: EventAcks;
  readonly #options: SessionOptions;
  readonly #control = new SendQueue<ClientEvent>();
  readonly #publishes: PublishLane;
  readonly #heartbeat: Heartbeat;
  readonly #toolServer: ToolServer;
  readonly #outbox: Outbox;
  readonly #abort = new AbortController();
  readonly #goodbye = new OneFrame();
  readonly #acked = createDeferred<Ack>();
  #closing = false;
  #failure: LoomError | undefined;
  #isOver = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { runtime } = options;
    const notify = (): void => this.#outbox.notify();
    const send = (frame: ClientEvent, bytes = 0): Promise<void> => this.#send(frame, bytes);
    this.acks = new EventAcks(notify);
    this.calls = new ToolCalls(runtime, send);
    this.subscriptions = new SubscriptionRequests(runtime, send);
    this.#toolServer = new ToolServer({ ...options.tools, runtime, send });
    this.#publishes = new PublishLane(options.publishes, notify);
    this.#heartbeat = new Heartbeat({ runtime, onBeat: notify, onSilence: (ms) => this.#lose(ms) });
    const register = new OneFrame(clientEvent("register", options.register));
    const control: FrameSource = { take: () => this.#takeControl() };
    const sources = [register, this.#heartbeat, this.acks, control, this.#publishes, this.#goodbye];
    this.#outbox = new Outbox(runtime, sources);
    this.#control.listen(notify);
    options.publishes.listen(notify);
    this.ended = this.#run();
  }

  /** Resolves when the bridge has answered Register; rejects when it refuses or does not. */
  get acked(): Promise<Ack> {
    return this.#acked.promise;
  }

  /** Whether nothing waits to be sent, to be answered or to be finished. */
  get idle(): boolean {
    const { publishes } = this.#options;
    return publishes.length + this.#publishes.unanswered + this.#control.length + this.#toolServer.busy === 0;
  }

  /** Says goodbye and ends the stream. What is queued for sending goes first. */
  async close(reason: string): Promise<void> {
    this.#closing = true;
    this.#goodbye.put(clientEvent("goodbye", create(GoodbyeSchema, { reason })));
    this.#outbox.end();
    const timer = this.#options.runtime.setTimer(() => this.#abort.abort(), goodbyeTimeoutMs);
    await this.ended;
    timer.cancel();
  }

  async #run(): Promise<LoomError | undefined> {
    const { runtime, openStream } = this.#options;
    const timer = runtime.setTimer(() => this.#fail(new RequestTimeoutError("Register", ackTimeoutMs)), ackTimeoutMs);
    const cancelTimer = (): void => timer.cancel();
    this.#acked.promise.then(cancelTimer, cancelTimer);
    const routes = this.#routes();
    try {
      for await (const delivery of openStream(this.#outbox, this.#abort.signal)) {
        this.#heartbeat.heard();
        routeDelivery(delivery, routes);
      }
    } catch (error) {
      this.#failure ??= LoomError.isInstance(error)
        ? error
        : new LoomError("internal", String(error), { cause: error });
    }
    return this.#finish();
  }

  async #send(frame: ClientEvent, bytes: number): Promise<void> {
    if (this.#isOver) throw new LoomError("unavailable", "the stream has ended", { cause: this.#failure });
    return this.#control.send(frame, bytes);
  }

  #takeControl(): ClientEvent | undefined {
    const [frame] = this.#control.take(1);
    if (frame !== undefined) this.#options.onProgress();
    return frame;
  }

  #finish(): LoomError | undefined {
    this.#isOver = true;
    const { address } = this.#options;
    const ended = new ConnectionError(address, `the stream to ${address} ended without a reason`);
    const reason = this.#closing ? undefined : (this.#failure ?? ended);
    this.#heartbeat.stop();
    this.#acked.reject(reason ?? new LoomError("canceled", "the agent was stopped while it registered"));
    this.#control.clear(reason ?? new LoomError("canceled", "the agent was stopped"));
    this.#publishes.close(reason);
    this.calls.close(reason);
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
        this.#publishes.onReceipts(batch);
        this.#options.onProgress();
      },
      toolRequest: (request) => this.#toolServer.onRequest(request),
      toolResponse: (response) => this.calls.onResponse(response),
      toolCancel: (cancel) => this.#toolServer.onCancel(cancel),
      subscriptionAck: (ack) => this.subscriptions.onAck(ack),
      gap: (gap) => this.#onGap(gap),
      drain: (drain) => this.#options.onDrain(drain),
    };
  }

  #onAck(ack: Ack): void {
    if (!ack.features.includes(Feature.BATCHES)) {
      const message = "the bridge cannot send events in batches; update the bridge";
      this.#fail(new LoomError("failed_precondition", message));
      return;
    }
    this.#publishes.open(ack.publishWindow);
    this.calls.limit(ack.maxOpenCalls);
    const intervalMs = this.#options.heartbeatIntervalMs ?? (ack.heartbeatIntervalMs || heartbeatIntervalMs);
    this.#heartbeat.start(intervalMs, ack.features.includes(Feature.NOTICES));
    this.#acked.resolve(ack);
    this.#outbox.notify();
  }

  #onEventBatch(batch: EventBatch): void {
    const { subscription } = batch;
    let sequence = Number(batch.firstSequence);
    for (const routed of batch.events) {
      this.#options.onEvent({ subscription, sequence, routed, done: this.acks.received(subscription, sequence) });
      sequence += 1;
    }
  }

  #onGap(gap: Gap): void {
    this.acks.received(gap.subscription, Number(gap.lastSequence))();
    this.#options.onGap(gap);
  }

  #lose(silentMs: number): void {
    const { address } = this.#options;
    const message = `nothing came from ${address} for ${Math.round(silentMs)} ms; the connection is taken for lost`;
    this.#fail(new ConnectionError(address, message));
  }

  #fail(reason: LoomError): void {
    this.#failure ??= reason;
    this.#abort.abort();
  }
}
