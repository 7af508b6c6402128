import { LoomError } from "@loom-bridge/protocol";
import type { Ack, Subscription } from "@loom-bridge/protocol/messages";
import type { Arrival } from "../connection/event-line.ts";
import type { Session } from "../connection/session.ts";
import { acknowledged } from "../connection/settlement.ts";
import type { EncodedEvent } from "../wire/encoded-batch.ts";
import type { EventDispatcher } from "./event-dispatcher.ts";
import { createSubscription, type EventHandler, type SubscribeOptions } from "./subscription-init.ts";
import { SubscriptionProgress } from "./subscription-progress.ts";

/** A subscription as an agent has planned it. */
export interface PlannedSubscription {
  readonly subscription: Subscription;
  readonly autoExtend: boolean;
  readonly handler: EventHandler | undefined;
}

export interface AgentSubscriptionsOptions {
  readonly dispatcher: EventDispatcher;
  /** Those of the registration. */
  readonly planned: readonly PlannedSubscription[];
  readonly firstId: number;
  readonly defaultWindow: number;
}

/** An agent's subscriptions, over all its streams: those it was made with, and those it adds and ends while it runs. */
export class AgentSubscriptions {
  readonly #dispatcher: EventDispatcher;
  readonly #defaultWindow: number;
  readonly #standing = new Map<number, SubscriptionProgress>();
  /** Asked for and not answered: they are no part of a registration, which they could spoil. */
  readonly #asked = new Map<number, SubscriptionProgress>();
  #nextId: number;
  #logId = "";

  constructor(options: AgentSubscriptionsOptions) {
    this.#dispatcher = options.dispatcher;
    this.#defaultWindow = options.defaultWindow;
    this.#nextId = options.firstId;
    for (const { subscription, autoExtend, handler } of options.planned) {
      this.#standing.set(subscription.id, new SubscriptionProgress(subscription, autoExtend));
      this.#dispatcher.setHandler(subscription.id, handler);
    }
  }

  /** What the next stream is to register: each goes on where it was left. */
  resume(): Subscription[] {
    return Array.from(this.#standing.values(), (progress) => progress.resume());
  }

  /** The registration stands. */
  onAck({ logId, logOffset }: Ack): void {
    this.#logId = logId;
    for (const progress of this.#standing.values()) progress.began(logId, Number(logOffset));
  }

  settling(id: number): SubscriptionProgress["settling"] {
    return this.#find(id)?.settling;
  }

  filters(id: number): readonly string[] {
    return this.#find(id)?.filters ?? [];
  }

  receive(encoded: EncodedEvent, sequence: number, arrival: Arrival): void {
    const progress = this.#find(arrival.subscription);
    // Of a subscription that has ended meanwhile.
    if (progress === undefined) return arrival.line.settle(sequence, acknowledged);
    const item = progress.receive(encoded.offset, sequence, arrival);
    if (item !== undefined) this.#dispatcher.dispatch(item, encoded);
  }

  /** The stream is over. */
  lost(): void {
    for (const progress of [...this.#standing.values(), ...this.#asked.values()]) progress.lost();
    this.#dispatcher.discardDropped();
  }

  /** Adds a subscription: asks on one stream after the other until one of them has answered. */
  async add(
    nextSession: () => Promise<Session>,
    filters: string | readonly string[],
    options: SubscribeOptions,
    handler: EventHandler | undefined,
  ): Promise<number> {
    const subscription = createSubscription(this.#nextId, { ...options, filters }, this.#defaultWindow);
    const { id } = subscription;
    this.#nextId += 1;
    const progress = new SubscriptionProgress(subscription, options.autoExtend ?? true);
    // Before the bridge is asked: events may follow its answer at once.
    this.#dispatcher.setHandler(id, handler);
    this.#asked.set(id, progress);
    try {
      const { logOffset } = await askUntilAnswered(nextSession, (session) =>
        session.subscriptions.subscribe(progress.resume()),
      );
      progress.began(this.#logId, Number(logOffset));
      this.#standing.set(id, progress);
    } catch (error) {
      this.#dispatcher.setHandler(id, undefined);
      throw error;
    } finally {
      this.#asked.delete(id);
    }
    return id;
  }

  /** Ends a subscription. Events that have come already are still handled. */
  async end(nextSession: () => Promise<Session>, id: number): Promise<void> {
    // Where no stream has it any more, it has ended.
    this.#standing.delete(id);
    await askUntilAnswered(nextSession, async (session) => {
      await session.subscriptions.unsubscribe(id);
      session.forget(id);
    });
    this.#dispatcher.setHandler(id, undefined);
  }

  #find(id: number): SubscriptionProgress | undefined {
    return this.#standing.get(id) ?? this.#asked.get(id);
  }
}

/** A question that a broken stream has left open is asked again: the answer is the same however often it is asked. */
async function askUntilAnswered<Answer>(
  nextSession: () => Promise<Session>,
  ask: (session: Session) => Promise<Answer>,
): Promise<Answer> {
  for (;;) {
    const session = await nextSession();
    try {
      return await ask(session);
    } catch (error) {
      if (!LoomError.isInstance(error) || !session.isOver) throw error;
    }
  }
}
