import { LoomError, type Runtime, repliesTopic } from "@loom-bridge/protocol";
import { acknowledged, type Settlement } from "../connection/settlement.ts";
import type { EncodedEvent } from "../wire/encoded-batch.ts";
import { EventDecoder } from "../wire/event-decoder.ts";
import { Envelope } from "./envelope.ts";
import { EnvelopeMetadataReader } from "./envelope-metadata.ts";
import { fromChain } from "./event-chain.ts";
import type { ContextAgent, HandlerParts } from "./event-context.ts";
import { HandlerRun } from "./handler-run.ts";
import { Inbox } from "./inbox.ts";
import type { ReplyWaiters } from "./reply-waiters.ts";
import type { EventHandler } from "./subscription-init.ts";
import type { EventInHand } from "./subscription-progress.ts";

/** The subscription on which replies come. It is acknowledged as it comes, so that replies wait for no handler. */
export const repliesSubscription = 2;
/** Also the most replies that may wait for a handler because nobody asked for them. */
export const repliesWindow = 1024;

export interface EventDispatcherOptions {
  readonly agent: ContextAgent;
  readonly runtime: Runtime;
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
  readonly #decoder = new EventDecoder();
  readonly #metadata = new EnvelopeMetadataReader();
  readonly #inbox: Inbox;
  readonly #repliesTopic: string;
  readonly #stopping = new AbortController();
  readonly #parts: HandlerParts;

  constructor(options: EventDispatcherOptions) {
    this.#options = options;
    const { agent, runtime, onError } = options;
    this.#parts = { agent, runtime, onError, signal: this.#stopping.signal };
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

  dispatch(item: EventInHand, encoded: EncodedEvent): void {
    const { subscription } = item.arrival;
    const envelope = this.#decode(encoded, item);
    if (envelope === undefined) return item.settle(unreadable(item));
    if (envelope.topic === this.#repliesTopic && this.#options.replies.resolve(envelope)) {
      return item.settle(acknowledged);
    }
    const handler = this.#handlers.get(subscription) ?? this.#options.onEvent;
    if (handler === undefined) return item.settle(acknowledged);
    if (subscription !== repliesSubscription) {
      this.#inbox.push(new HandlerRun(this.#parts, handler, envelope, item, true));
      return;
    }
    item.settle(acknowledged);
    if (this.#inbox.waiting < repliesWindow) {
      this.#inbox.push(new HandlerRun(this.#parts, handler, envelope, item, false));
    } else {
      const message = "a reply that nobody asked for was dropped";
      this.#options.onError(new LoomError("resource_exhausted", message), envelope);
    }
  }

  /** Forgets the events that will be handled by somebody else. */
  discardDropped(): void {
    this.#inbox.discardDropped();
  }

  /** Starts no handler any more. */
  pause(): void {
    this.#inbox.pause();
  }

  close(): void {
    this.#inbox.pause();
    this.#stopping.abort();
  }

  #decode(encoded: EncodedEvent, { sequence, arrival }: EventInHand): Envelope | undefined {
    const { source, start, end, topic, sender, key, offset } = encoded;
    const { attempt } = arrival;
    const chain = encoded.chain === undefined ? undefined : fromChain(encoded.chain);
    try {
      const event = this.#decoder.decode(source, start, end);
      const said = this.#metadata.read(event.metadata);
      return Envelope.ofFields(event, said, { topic, sender, sequence, attempt, offset, key, chain });
    } catch (cause) {
      this.#options.onError(
        new LoomError("data_loss", `an event on ${topic} cannot be read and was skipped`, { cause }),
      );
      return undefined;
    }
  }
}

/** Whoever else gets it cannot read it either. */
function unreadable(item: EventInHand): Settlement {
  return item.isAtLeastOnce ? { verdict: "terminate", reason: "the event cannot be read" } : acknowledged;
}
