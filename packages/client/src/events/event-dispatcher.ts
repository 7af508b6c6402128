import { LoomError, type Runtime, repliesTopic } from "@loom-bridge/protocol";
import type { ReceivedEvent } from "../connection/received-event.ts";
import { acknowledged, type Settlement } from "../connection/settlement.ts";
import { EventDecoder } from "../wire/event-decoder.ts";
import { Envelope } from "./envelope.ts";
import { fromChain } from "./event-chain.ts";
import type { ContextAgent } from "./event-context.ts";
import { type HandlerParts, HandlerRun } from "./handler-run.ts";
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

  dispatch(item: EventInHand): void {
    const { subscription } = item.event;
    const envelope = this.#decode(item.event);
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

  #decode({ routed, sequence, attempt }: ReceivedEvent): Envelope | undefined {
    const { topic, sender, key } = routed;
    const offset = Number(routed.offset);
    const chain = routed.chain === undefined ? undefined : fromChain(routed.chain);
    try {
      const event = this.#decoder.decode(routed.event);
      return Envelope.fromProto(event, { topic, sender, sequence, attempt, offset, key, chain });
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
