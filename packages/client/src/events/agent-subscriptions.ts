import type { Session } from "../connection/session.ts";
import type { EventDispatcher } from "./event-dispatcher.ts";
import { createSubscription, type EventHandler, type SubscribeOptions } from "./subscription-init.ts";

export interface AgentSubscriptionsOptions {
  readonly dispatcher: EventDispatcher;
  readonly firstId: number;
  readonly defaultWindow: number;
}

/** The subscriptions that an agent adds and ends while it runs. */
export class AgentSubscriptions {
  readonly #dispatcher: EventDispatcher;
  readonly #defaultWindow: number;
  #nextId: number;

  constructor(options: AgentSubscriptionsOptions) {
    this.#dispatcher = options.dispatcher;
    this.#defaultWindow = options.defaultWindow;
    this.#nextId = options.firstId;
  }

  async add(
    session: Session,
    filters: string | readonly string[],
    options: SubscribeOptions,
    handler: EventHandler | undefined,
  ): Promise<number> {
    const subscription = createSubscription(this.#nextId, { ...options, filters }, this.#defaultWindow);
    this.#nextId += 1;
    // Before the bridge is asked: events may follow its answer at once.
    this.#dispatcher.setHandler(subscription.id, handler);
    try {
      await session.subscriptions.subscribe(subscription);
    } catch (error) {
      this.#dispatcher.setHandler(subscription.id, undefined);
      throw error;
    }
    return subscription.id;
  }

  async end(session: Session, id: number): Promise<void> {
    await session.subscriptions.unsubscribe(id);
    session.acks.forget(id);
    this.#dispatcher.setHandler(id, undefined);
  }
}
