import { fromBinary } from "@bufbuild/protobuf";
import { LoomError, repliesTopic } from "@loom-bridge/protocol";
import { EventSchema } from "@loom-bridge/protocol/messages";
import type { ReceivedEvent } from "../connection/received-event.ts";
import { Envelope } from "./envelope.ts";
import { type ContextAgent, createEventContext } from "./event-context.ts";
import { Inbox } from "./inbox.ts";
import type { ReplyWaiters } from "./reply-waiters.ts";
import type { EventHandler } from "./subscription-init.ts";

/** The subscription on which replies come. It is acknowledged as it comes, so that replies wait for no handler. */
export const repliesSubscription = 2;
/** Also the most replies that may wait for a handler because nobody asked for them. */
export const repliesWindow = 1024;

export interface EventDispatcherOptions {
  readonly agent: ContextAgent;
  readonly replies: ReplyWaiters;
  readonly concurrency: number;
  readonly onEvent: EventHandler | undefined;
  readonly onError: (error: unknown, envelope?: Envelope) => void;
  readonly onIdle: () => void;
}

/** Brings each event to who waits for it: a request's reply to the request, others to their handler, in order. */
export class EventDispatcher {
  readonly #options: EventDispatcherOptions;
  readonly #handlers = new Map<number, EventHandler>();
  readonly #inbox: Inbox;
  readonly #repliesTopic: string;
  readonly #stopping = new AbortController();

  constructor(options: EventDispatcherOptions) {
    this.#options = options;
    this.#inbox = new Inbox(options.concurrency, options.onIdle);
    this.#repliesTopic = repliesTopic(options.agent.id);
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#inbox.running;
  }

  setHandler(subscription: number, handler: EventHandler | undefined): void {
    if (handler === undefined) this.#handlers.delete(subscription);
    else this.#handlers.set(subscription, handler);
  }

  dispatch(received: ReceivedEvent): void {
    const envelope = this.#decode(received);
    if (envelope === undefined) return received.done();
    if (envelope.topic === this.#repliesTopic && this.#options.replies.resolve(envelope)) return received.done();
    const handler = this.#handlers.get(received.subscription) ?? this.#options.onEvent;
    if (handler === undefined) return received.done();
    const handle = (): Promise<void> => this.#handle(handler, envelope);
    if (received.subscription !== repliesSubscription) {
      this.#inbox.push({ envelope, handle, done: received.done });
      return;
    }
    received.done();
    if (this.#inbox.waiting < repliesWindow) this.#inbox.push({ envelope, handle, done: () => {} });
    else
      this.#options.onError(new LoomError("resource_exhausted", "a reply that nobody asked for was dropped"), envelope);
  }

  /** Starts no handler any more. */
  pause(): void {
    this.#inbox.pause();
  }

  close(): void {
    this.#inbox.pause();
    this.#stopping.abort();
  }

  #decode({ routed, sequence }: ReceivedEvent): Envelope | undefined {
    const { topic, sender } = routed;
    try {
      return Envelope.fromProto(fromBinary(EventSchema, routed.event), { topic, sender, sequence });
    } catch (cause) {
      this.#options.onError(
        new LoomError("data_loss", `an event on ${topic} cannot be read and was skipped`, { cause }),
      );
      return undefined;
    }
  }

  async #handle(handler: EventHandler, envelope: Envelope): Promise<void> {
    try {
      await handler(createEventContext(this.#options.agent, envelope, this.#stopping.signal), envelope);
    } catch (error) {
      this.#options.onError(error, envelope);
    }
  }
}
