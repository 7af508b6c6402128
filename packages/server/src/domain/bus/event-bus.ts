import { LoomError, parseFilter, parseTopic, type Runtime } from "@loom-bridge/protocol";
import type { BusEvent } from "./bus-event.ts";
import { BusStatistics, type TopicCounts } from "./bus-statistics.ts";
import { BusSubscription, type DeliveryResult } from "./bus-subscription.ts";
import { type Quality, qualities } from "./quality.ts";
import type { Subscriber } from "./subscriber.ts";
import { TopicIndex } from "./topic-index.ts";

export interface EventBusOptions {
  readonly runtime: Runtime;
  /** How long publishers may wait for a subscriber that takes nothing, in milliseconds. */
  readonly stallTimeoutMs: number;
}

export interface SubscriptionRequest {
  readonly id: number;
  /** Topics or patterns, at least one. */
  readonly filters: readonly string[];
  /** Empty: all types. */
  readonly eventTypes: readonly string[];
  readonly quality: Quality;
  /** How many events may be taken ahead of an acknowledgement. 0: any number. */
  readonly window: number;
}

/** What became of a publish. `matched` = `queued` + `dropped`; a subscriber counts once however many filters match. */
export interface PublishOutcome {
  readonly matched: number;
  readonly queued: number;
  readonly dropped: number;
}

/** A topic's counts with what is subscribed to it now. */
export interface TopicReport extends Readonly<TopicCounts> {
  readonly activeSubscriptions: number;
}

/** Routes events from publishers to the queues of subscribers. */
export class EventBus {
  readonly #options: EventBusOptions;
  readonly #index = new TopicIndex<{ subscriber: Subscriber; subscription: BusSubscription }>();
  readonly #statistics = new BusStatistics();
  #subscriptionCount = 0;

  constructor(options: EventBusOptions) {
    this.#options = options;
  }

  /**
   * Adds a subscription to a subscriber.
   * @throws LoomError `invalid_argument` when a filter is none, before anything changes.
   */
  subscribe(subscriber: Subscriber, request: SubscriptionRequest): BusSubscription {
    if (request.filters.length === 0) {
      throw new LoomError("invalid_argument", "filters is empty; name at least one topic or pattern");
    }
    const subscription = new BusSubscription({
      id: request.id,
      filters: [...new Set(request.filters)].map(parseFilter),
      eventTypes: new Set(request.eventTypes),
      queue: qualities[request.quality],
      window: request.window,
      stallTimeoutMs: this.#options.stallTimeoutMs,
      runtime: this.#options.runtime,
      statistics: this.#statistics,
      onReady: subscriber.onReady,
      onStall: subscriber.onStall,
    });
    const entry = { subscriber, subscription };
    for (const filter of subscription.filters) this.#index.add(filter, entry);
    subscriber.entries.set(subscription, entry);
    this.#subscriptionCount += 1;
    return subscription;
  }

  /** Ends a subscription; what is queued for it is dropped. Harmless when repeated. */
  unsubscribe(subscriber: Subscriber, subscription: BusSubscription): void {
    const entry = subscriber.entries.get(subscription);
    if (entry === undefined) return;
    subscriber.entries.delete(subscription);
    this.#subscriptionCount -= 1;
    for (const filter of subscription.filters) this.#index.remove(filter, entry);
    subscription.close();
    for (const filter of subscription.filters) {
      if (this.#countMatches(filter) === 0) this.#statistics.forget(filter.join("."));
    }
  }

  /**
   * Puts an event into the queue of every subscriber whose filter matches, and returns what happened; a promise only
   * where a queue is full and the publisher has to wait. Queues with room get the event at once either way.
   * @throws LoomError `invalid_argument` when the topic is none.
   */
  publish(event: BusEvent): PublishOutcome | Promise<PublishOutcome> {
    const segments = parseTopic(event.topic);
    const counts = this.#statistics.published(event.topic);
    const matched = this.#choose(segments, event.type);
    let queued = 0;
    let waiting: Promise<DeliveryResult>[] | undefined;
    for (const { chosen } of matched) {
      const result = chosen.deliver(event, counts);
      if (result === "queued") queued += 1;
      else if (result !== "dropped") (waiting ??= []).push(result);
    }
    const outcome = (late: number): PublishOutcome => ({
      matched: matched.length,
      queued: queued + late,
      dropped: matched.length - queued - late,
    });
    if (waiting === undefined) return outcome(0);
    return Promise.all(waiting).then((results) => outcome(results.filter((result) => result === "queued").length));
  }

  /** The agents' ids whose subscriptions match a topic. */
  subscribersOf(topic: string): Set<string> {
    const names = new Set<string>();
    this.#index.match(parseTopic(topic), ({ subscriber }) => names.add(subscriber.name));
    return names;
  }

  /** Counts by topic, and of all topics together. */
  report(): { topics: TopicReport[]; total: TopicReport; topicCount: number } {
    const topics = this.#statistics.topics().map((counts) => ({
      ...counts,
      activeSubscriptions: this.#countMatches(counts.topic.split(".")),
    }));
    const total = { ...this.#statistics.total, activeSubscriptions: this.#subscriptionCount };
    return { topics, total, topicCount: this.#statistics.topicCount };
  }

  /** Whether nothing is kept for any topic. */
  get isEmpty(): boolean {
    return this.#index.isEmpty && this.#statistics.topicCount === 0;
  }

  /** One subscription for each subscriber that matches: the one with the highest rank, then the lowest id. */
  #choose(segments: readonly string[], type: string): { chosen: BusSubscription }[] {
    const bySubscriber = new Map<Subscriber, { chosen: BusSubscription }>();
    this.#index.match(segments, ({ subscriber, subscription }) => {
      if (subscription.eventTypes.size > 0 && !subscription.eventTypes.has(type)) return;
      const match = bySubscriber.get(subscriber);
      if (match === undefined) bySubscriber.set(subscriber, { chosen: subscription });
      else if (goesBefore(subscription, match.chosen)) match.chosen = subscription;
    });
    return [...bySubscriber.values()];
  }

  #countMatches(segments: readonly string[]): number {
    const matches = new Set<BusSubscription>();
    this.#index.match(segments, ({ subscription }) => matches.add(subscription));
    return matches.size;
  }
}

function goesBefore(one: BusSubscription, other: BusSubscription): boolean {
  return one.rank === other.rank ? one.id < other.id : one.rank > other.rank;
}
