import { LoomError, parseTopic } from "@loom-bridge/protocol";
import type { BusEvent, LoggedEvent } from "./bus-event.ts";
import type { BusSubscription } from "./bus-subscription.ts";
import type { DeliveryResult } from "./event-feed.ts";
import { PlainSubscription } from "./plain-subscription.ts";
import type { Queued } from "./queued.ts";
import type { Subscriber } from "./subscriber.ts";
import { SubscriptionGroup } from "./subscription-group.ts";
import type { BusParts } from "./subscription-parts.ts";
import type { PendingCopy, SubscriptionReport } from "./subscription-report.ts";
import type { SubscriptionRequest } from "./subscription-request.ts";
import { TopicIndex } from "./topic-index.ts";

/** Whom an event goes to. */
export interface Receiver {
  readonly id: number;
  readonly filters: readonly (readonly string[])[];
  readonly eventTypes: ReadonlySet<string>;
  readonly rank: number;
  /** Whether it began after an event that was being written then. */
  isPast(offset: number): boolean;
  /** Takes an event that others get as well. */
  deliver(item: Queued, mayWait: boolean): DeliveryResult | Promise<DeliveryResult>;
  report(): SubscriptionReport;
  /** The copies of an event that were not sent, or are not settled. */
  pending(id: string): PendingCopy[];
}

interface Entry {
  /** Gets one copy: an agent with all of its plain subscriptions, or a group. */
  readonly owner: Subscriber | SubscriptionGroup;
  readonly receiver: Receiver;
}

/** What is known of a topic that is published to. */
export interface Route {
  readonly segments: readonly string[];
  /** What matches it. */
  readonly entries: readonly Entry[];
  /** Who gets its events, where their type does not matter. */
  readonly receivers: readonly Receiver[] | undefined;
}

/** Routes are kept for this many topics. With more, all are found anew now and then. */
const maxRoutes = 4096;

/** A queue that holds no more than that is not what fills the memory. */
const leastEvictedBytes = 65_536;

/** All subscriptions and groups, found by topic. */
export class Subscriptions {
  readonly #parts: BusParts;
  readonly #index = new TopicIndex<Entry>();
  readonly #receivers = new Set<Receiver>();
  readonly #groups = new Map<string, { group: SubscriptionGroup; entry: Entry }>();
  /** Of the topics that were published to since something was subscribed or unsubscribed. */
  readonly #routes = new Map<string, Route>();
  readonly #live = new Map<BusSubscription, Subscriber>();

  constructor(parts: BusParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#live.size;
  }

  get isEmpty(): boolean {
    return this.#index.isEmpty && this.#live.size === 0 && this.#receivers.size === 0;
  }

  add(subscriber: Subscriber, request: SubscriptionRequest, filters: string[][]): BusSubscription {
    const subscription =
      request.group === undefined
        ? this.#addPlain(subscriber, request, filters)
        : this.#join(request.group, subscriber, request, filters);
    this.#live.set(subscription, subscriber);
    subscriber.onReady();
    return subscription;
  }

  /** What all queues hold. */
  get backlogBytes(): number {
    return [...this.#live.keys()].reduce((sum, { backlogBytes }) => sum + backlogBytes, 0);
  }

  /** Gives up the subscriber whose queue holds most; returns false when none holds enough to matter. */
  evictLargest(): boolean {
    let largest: { readonly subscriber: Subscriber; readonly bytes: number } | undefined;
    for (const [subscription, subscriber] of this.#live) {
      const bytes = subscription.backlogBytes;
      if (bytes > (largest?.bytes ?? leastEvictedBytes)) largest = { subscriber, bytes };
    }
    largest?.subscriber.onStall(shortOfMemory(largest.bytes));
    return largest !== undefined;
  }

  /** Returns the filters that nobody subscribes to any more because of it. */
  remove(subscriber: Subscriber, subscription: BusSubscription): readonly (readonly string[])[] {
    const end = subscriber.entries.get(subscription);
    if (end === undefined) return [];
    subscriber.entries.delete(subscription);
    this.#live.delete(subscription);
    return end();
  }

  /**
   * Where events of a topic go.
   * @throws LoomError `invalid_argument` when the topic is none
   */
  route(topic: string): Route {
    const known = this.#routes.get(topic);
    if (known !== undefined) return known;
    const segments = parseTopic(topic);
    const entries: Entry[] = [];
    this.#index.match(segments, (entry) => entries.push(entry));
    const isForAllTypes = entries.every(({ receiver }) => receiver.eventTypes.size === 0);
    const route: Route = { segments, entries, receivers: isForAllTypes ? chooseOf(entries) : undefined };
    if (this.#routes.size === maxRoutes) this.#routes.clear();
    this.#routes.set(topic, route);
    return route;
  }

  /**
   * One receiver for each owner: of an agent's subscriptions the one that loses least, then the first.
   * @param isNew whether something was subscribed since the event was appended to the log
   */
  choose({ receivers, entries }: Route, event: LoggedEvent, isNew: boolean): readonly Receiver[] {
    // What an owner accepts may change at any time, so it is not part of a route.
    return !isNew && receivers !== undefined && entries.every(acceptsAll) ? receivers : chooseFor(event, entries);
  }

  countMatches(segments: readonly string[]): number {
    return this.#matches(segments).size;
  }

  /** Of every subscription and group. */
  reports(): SubscriptionReport[] {
    return Array.from(this.#receivers, (receiver) => receiver.report());
  }

  /** Where the copies of an event are that were not sent, or are not settled. */
  pending(segments: readonly string[], id: string): PendingCopy[] {
    return [...this.#matches(segments)].flatMap((receiver) => receiver.pending(id));
  }

  namesFor(segments: readonly string[]): Set<string> {
    const names = new Set<string>();
    const topic = segments.join(".");
    this.#index.match(segments, ({ owner }) => {
      if (owner.accepts?.({ topic }) === false) return;
      for (const name of owner instanceof SubscriptionGroup ? owner.memberNames : [owner.name]) names.add(name);
    });
    return names;
  }

  #addPlain(subscriber: Subscriber, request: SubscriptionRequest, filters: string[][]): BusSubscription {
    // What the others have read before is read again: whoever subscribes anew with a start wants it.
    const others = [...subscriber.entries.keys()].filter((other) => other instanceof PlainSubscription);
    const { head } = this.#parts.log ?? { head: 0 };
    const readBefore = new Map(others.map((other) => [other, other.readThrough ?? head]));
    const receiver: PlainSubscription = new PlainSubscription({
      parts: this.#parts,
      request,
      filters,
      subscriber: subscriber.name,
      isOwn: (event) => this.#isOwn(subscriber, receiver, readBefore, event),
      onReady: subscriber.onReady,
      onStall: subscriber.onStall,
    });
    const entry = { owner: subscriber, receiver };
    this.#enter(entry);
    subscriber.entries.set(receiver, () => {
      this.#take(entry);
      receiver.close();
      return filters;
    });
    return receiver;
  }

  #join(name: string, subscriber: Subscriber, request: SubscriptionRequest, filters: string[][]): BusSubscription {
    const known = this.#groups.get(name);
    const group = known?.group ?? new SubscriptionGroup(this.#parts, name, request, filters);
    const { onReady, onStall } = subscriber;
    const member = group.join({ request, subscriber: subscriber.name, onReady, onStall });
    const entry = known?.entry ?? { owner: group, receiver: group };
    if (known === undefined) {
      this.#groups.set(name, { group, entry });
      this.#enter(entry);
    }
    subscriber.entries.set(member, () => {
      if (!group.leave(member)) return [];
      this.#groups.delete(name);
      this.#take(entry);
      return filters;
    });
    group.share();
    return member;
  }

  /** Whether an event of the past is not another subscription's of the same subscriber, which will read it too. */
  #isOwn(
    subscriber: Subscriber,
    receiver: PlainSubscription,
    readBefore: ReadonlyMap<PlainSubscription, number>,
    event: LoggedEvent,
  ): boolean {
    if (!isWanted(receiver, event) || subscriber.accepts?.(event) === false) return false;
    if (subscriber.entries.size < 2) return true;
    const segments = event.topic.split(".");
    let isOwn = true;
    this.#index.match(segments, ({ owner, receiver: other }) => {
      if (owner !== subscriber || other === receiver || !(other instanceof PlainSubscription)) return;
      const readsAfter = readBefore.get(other) ?? other.coversAfter;
      if (isWanted(other, event) && goesBefore(other, receiver) && readsAfter < event.offset) isOwn = false;
    });
    return isOwn;
  }

  #matches(segments: readonly string[]): Set<Receiver> {
    const matches = new Set<Receiver>();
    this.#index.match(segments, ({ receiver }) => matches.add(receiver));
    return matches;
  }

  #enter(entry: Entry): void {
    this.#receivers.add(entry.receiver);
    this.#routes.clear();
    for (const filter of entry.receiver.filters) this.#index.add(filter, entry);
  }

  #take(entry: Entry): void {
    this.#receivers.delete(entry.receiver);
    this.#routes.clear();
    for (const filter of entry.receiver.filters) this.#index.remove(filter, entry);
  }
}

function acceptsAll({ owner }: Entry): boolean {
  return owner.accepts === undefined;
}

function chooseFor(event: LoggedEvent, entries: readonly Entry[]): readonly Receiver[] {
  const wanted = entries.filter(
    ({ owner, receiver }) =>
      isWanted(receiver, event) && owner.accepts?.(event) !== false && !receiver.isPast(event.offset),
  );
  return chooseOf(wanted);
}

function chooseOf(entries: readonly Entry[]): readonly Receiver[] {
  if (entries.length < 2) return entries.map(({ receiver }) => receiver);
  const byOwner = new Map<Entry["owner"], Receiver>();
  for (const { owner, receiver } of entries) {
    const chosen = byOwner.get(owner);
    if (chosen === undefined || goesBefore(receiver, chosen)) byOwner.set(owner, receiver);
  }
  return [...byOwner.values()];
}

function isWanted({ eventTypes }: Receiver, { type }: BusEvent): boolean {
  return eventTypes.size === 0 || eventTypes.has(type);
}

function goesBefore(one: Receiver, other: Receiver): boolean {
  return one.rank === other.rank ? one.id < other.id : one.rank > other.rank;
}

function shortOfMemory(bytes: number): LoomError {
  const message = `the bridge is short of memory, and ${bytes} bytes wait for this subscriber; read faster`;
  return new LoomError("resource_exhausted", message, {
    retryable: true,
    details: { limit: "memoryBytes", value: String(bytes) },
  });
}
