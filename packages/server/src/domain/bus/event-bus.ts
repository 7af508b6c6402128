import { isBridgeTopic, LoomError, parseFilter, parseTopic, type Runtime } from "@loom-bridge/protocol";
import type { Breaches } from "../breaches.ts";
import { extendChain } from "../chain.ts";
import { type Journal, silentJournal } from "../journal/journal.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Logger } from "../logger.ts";
import { type Moment, momentOf } from "../moment.ts";
import { type BusEvent, LoggedEvent } from "./bus-event.ts";
import { type BusLimits, defaultBusLimits } from "./bus-limits.ts";
import { BusStatistics, type TopicCounts } from "./bus-statistics.ts";
import type { BusSubscription } from "./bus-subscription.ts";
import { type Annotate, createDeadLetter } from "./dead-letter.ts";
import { deliverCopies } from "./deliver-copies.ts";
import { PastGroups } from "./past-groups.ts";
import { PublishMemory, publishMemoryMs } from "./publish-memory.ts";
import { countResults, type PublishOutcome } from "./publish-outcome.ts";
import { eventTooLarge, topicIsTheBridges } from "./publish-refusals.ts";
import type { Subscriber } from "./subscriber.ts";
import type { BusParts } from "./subscription-parts.ts";
import type { PendingCopy, SubscriptionReport } from "./subscription-report.ts";
import type { SubscriptionRequest } from "./subscription-request.ts";
import { type Route, Subscriptions } from "./subscriptions.ts";

export interface EventBusOptions {
  readonly runtime: Runtime;
  /** How long publishers may wait for a subscriber that takes nothing, in milliseconds. */
  readonly stallTimeoutMs: number;
  readonly limits?: Partial<BusLimits> | undefined;
  /** Keeps recent events. Absent: nothing is kept, so every subscription begins with the next event. */
  readonly log?: EventLog;
  /** Notes what happens to events. Default: nothing does. */
  readonly journal?: Journal;
  /** Writes into a dead letter why it is one. Default: the event stays as it is. */
  readonly annotate?: Annotate;
  /** Counts the limits that publishes meet. Default: nothing does. */
  readonly breaches?: Breaches;
  /** Told what the bridge itself could not publish. Default: nobody. */
  readonly logger?: Logger;
}

/** A topic's counts with what is subscribed to it now. */
export interface TopicReport extends Readonly<TopicCounts> {
  readonly activeSubscriptions: number;
}

/** Routes events from publishers to the queues of subscribers. */
export class EventBus {
  readonly #options: EventBusOptions;
  readonly #limits: BusLimits;
  readonly #statistics = new BusStatistics();
  readonly #subscriptions: Subscriptions;
  readonly #memory: PublishMemory;
  readonly #journal: Journal;
  readonly #pastGroups: PastGroups;

  constructor(options: EventBusOptions) {
    this.#options = options;
    const { log, runtime, stallTimeoutMs, journal = silentJournal } = options;
    this.#journal = journal;
    this.#limits = { ...defaultBusLimits, ...options.limits };
    this.#pastGroups = new PastGroups(runtime, ({ event, counts }) => {
      this.#statistics.dropped(counts, "subscriber-left");
      journal.record("dropped", event.id, "", event.topic, "subscriber-left");
    });
    const parts: BusParts = {
      pastGroups: this.#pastGroups,
      log,
      runtime,
      stallTimeoutMs,
      limits: this.#limits,
      journal,
      statistics: this.#statistics,
      onGivenUp: ({ event, counts, attempts }, reason, subscriber) => {
        this.#statistics.dropped(counts, "given-up");
        // What the bridge says itself is not worth a letter, and a dead letter's letter would never end.
        if (isBridgeTopic(event.topic)) return;
        const { annotate = (body) => body } = options;
        this.announce(createDeadLetter(event, { reason, attempts, subscriber }, annotate));
      },
    };
    this.#subscriptions = new Subscriptions(parts);
    this.#memory = new PublishMemory(() => runtime.monotonic());
    this.#rememberKept();
  }

  /** The log that offsets count in, and its last offset. Empty and 0: nothing is kept. */
  get log(): { readonly id: string; readonly head: number } {
    const { log } = this.#options;
    return { id: log?.id ?? "", head: log?.head ?? 0 };
  }

  /** Makes ready for events that are published next, all at the time that it returns. `once` as in `publish`. */
  begin(events: readonly BusEvent[], once: boolean): Moment {
    if (once) this.#memory.expect(events);
    return momentOf(this.#options.runtime);
  }

  /** Whether every publish waits until it is written. */
  get isDurable(): boolean {
    return this.#options.log?.isDurable ?? false;
  }

  /**
   * Adds a subscription to a subscriber.
   * @throws LoomError `invalid_argument` when a filter is none, `failed_precondition` when it does not fit its group,
   *   before anything changes.
   */
  subscribe(subscriber: Subscriber, request: SubscriptionRequest): BusSubscription {
    if (request.filters.length === 0) {
      throw new LoomError("invalid_argument", "filters is empty; name at least one topic or pattern");
    }
    const filters = [...new Set(request.filters)].map(parseFilter);
    return this.#subscriptions.add(subscriber, request, filters);
  }

  /** Ends a subscription; what is queued for it is dropped. Harmless when repeated. */
  unsubscribe(subscriber: Subscriber, subscription: BusSubscription): void {
    for (const filter of this.#subscriptions.remove(subscriber, subscription)) {
      if (this.#subscriptions.countMatches(filter) === 0) this.#statistics.forget(filter.join("."));
    }
  }

  /**
   * Puts an event into the queue of every subscriber whose filter matches, and returns what happened; a promise only
   * where the log has to write it first, or a queue is full and the publisher has to wait. Queues with room get the
   * event at once either way.
   * @param once whether an event of the same sender and id, within two minutes, is this one again
   * @param at when it came; events of one message came at one time. Default: now
   * @throws LoomError `invalid_argument` when the topic is none, `permission_denied` when it is the bridge's,
   *   `failed_precondition` when the event's chain has come to its end; `resource_exhausted` when it is too large,
   *   that or `unavailable`, also later, when the log cannot keep it. Nothing was delivered then.
   */
  publish(event: BusEvent, once = false, at?: Moment): PublishOutcome | Promise<PublishOutcome> {
    try {
      return this.#publish(event, once, at ?? momentOf(this.#options.runtime));
    } catch (error) {
      this.#options.breaches?.countError(error);
      if (LoomError.isInstance(error)) this.noteRefused(event, error);
      throw error;
    }
  }

  /** Notes that an event was not published. */
  noteRefused({ id, sender, topic }: BusEvent, { message }: LoomError): void {
    this.#journal.record("refused", id, sender, topic, message);
  }

  #publish(event: BusEvent, once: boolean, { nowMs, monotonicMs }: Moment): PublishOutcome | Promise<PublishOutcome> {
    if (isBridgeTopic(event.topic)) throw topicIsTheBridges(event.topic);
    if (event.body.byteLength > this.#limits.eventBytes)
      throw eventTooLarge(event.body.byteLength, this.#limits.eventBytes);
    const route = this.#subscriptions.route(event.topic);
    const { sender, id } = event;
    // Publishers without a session have no name, and may well choose the same ids.
    const isRemembered = once && sender !== "" && id !== "";
    const first = isRemembered ? this.#memory.find(sender, id, monotonicMs) : undefined;
    if (first !== undefined) this.#journal.record("duplicate", id, sender, event.topic, "published before");
    if (first instanceof Promise) return first.then((outcome) => ({ ...outcome, duplicate: true }));
    if (first !== undefined) return { ...first, duplicate: true };
    const extended = event.chain === undefined ? event : this.#extend(event);
    const outcome = this.#route(extended, route, nowMs, true);
    if (isRemembered) this.#memory.remember(sender, id, outcome, monotonicMs);
    return outcome;
  }

  /**
   * Publishes for the bridge, which never waits: a queue without room loses the event, and announces the gap. What the
   * log cannot keep is delivered to who is here.
   */
  announce(event: BusEvent): void {
    const route = this.#subscriptions.route(event.topic);
    const nowMs = this.#options.runtime.now();
    const notKept = (error: unknown): void => {
      const { topic, id } = event;
      this.#options.logger?.error("an event of the bridge's own could not be kept", { topic, id, error });
      void this.#deliver(new LoggedEvent(event, 0, nowMs), route, false);
    };
    try {
      const outcome = this.#route(event, route, nowMs, false);
      if (outcome instanceof Promise) outcome.catch(notKept);
    } catch (error) {
      notKept(error);
    }
  }

  /** Gives up the subscriber whose queue holds most; returns false when none holds enough to matter. */
  evictLargest(): boolean {
    return this.#subscriptions.evictLargest();
  }

  /** The agents' ids whose subscriptions match a topic. */
  subscribersOf(topic: string): Set<string> {
    return this.#subscriptions.namesFor(parseTopic(topic));
  }

  /** Counts by topic, and of all topics together. */
  report(): { topics: TopicReport[]; total: TopicReport; topicCount: number } {
    const topics = this.#statistics.topics().map((counts) => ({
      ...counts,
      activeSubscriptions: this.#subscriptions.countMatches(counts.topic.split(".")),
    }));
    const { total, topicCount } = this.#statistics;
    const activeSubscriptions = this.#subscriptions.size;
    return { topics, total: { ...total, drops: { ...total.drops }, activeSubscriptions }, topicCount };
  }

  /** Counts of all topics together, as they grow. */
  get total(): Readonly<TopicCounts> {
    return this.#statistics.total;
  }

  /** Subscriptions that there are, and what their queues hold in bytes. */
  get held(): { readonly subscriptions: number; readonly bytes: number } {
    return { subscriptions: this.#subscriptions.size, bytes: this.#subscriptions.backlogBytes };
  }

  /** What every subscription and group has had and has to come, the longest queue first. */
  reportSubscriptions(): SubscriptionReport[] {
    return this.#subscriptions.reports().sort((one, other) => other.backlog - one.backlog);
  }

  /** Where the copies of an event are that their subscribers have not got, or are not done with. Looks into queues. */
  pending(topic: string, id: string): PendingCopy[] {
    return this.#subscriptions.pending(topic.split("."), id);
  }

  /** Sets no timer any more. The log is its owner's to close. */
  close(): void {
    this.#pastGroups.close();
  }

  /** Whether nothing is left of subscribers and topics. For tests of clean-up. */
  get isEmpty(): boolean {
    return this.#subscriptions.isEmpty && this.#statistics.topicCount === 0;
  }

  #extend(event: BusEvent): BusEvent {
    return { ...event, chain: extendChain(event.chain, `${event.sender || "anonymous"} > ${event.topic}`) };
  }

  #route(
    event: BusEvent,
    route: Route,
    publishedMs: number,
    mayWait: boolean,
  ): PublishOutcome | Promise<PublishOutcome> {
    const { log } = this.#options;
    if (log === undefined || isNews(route)) {
      return this.#deliver(new LoggedEvent(event, 0, publishedMs), route, mayWait);
    }
    const logged = log.append(event, publishedMs);
    // Nobody has seen what a crash forgets.
    const kept = log.kept();
    return kept === undefined ? this.#deliver(logged, route, mayWait) : this.#deliverWhen(kept, logged, route, mayWait);
  }

  async #deliverWhen(kept: Promise<void>, event: LoggedEvent, route: Route, mayWait: boolean): Promise<PublishOutcome> {
    await kept;
    // Meanwhile somebody may have subscribed, or left.
    const current = this.#subscriptions.route(event.topic);
    return this.#deliver(event, current, mayWait, current !== route);
  }

  #deliver(
    event: LoggedEvent,
    route: Route,
    mayWait: boolean,
    isNewRoute = false,
  ): PublishOutcome | Promise<PublishOutcome> {
    const receivers = this.#subscriptions.choose(route, event, isNewRoute);
    // News of the bridge's that nobody wants would push the topics of others out of the statistics.
    if (receivers.length === 0 && isNews(route)) return countResults([], 0);
    const counts = this.#statistics.published(event.topic);
    this.#journal.recordPublished(event, receivers.length);
    return deliverCopies(event, receivers, counts, mayWait);
  }

  /** After a restart, a publisher may ask again for what was kept before it. */
  #rememberKept(): void {
    const { log, runtime } = this.#options;
    if (log === undefined || log.head === 0) return;
    const { nowMs, monotonicMs } = momentOf(runtime);
    const sinceMs = nowMs - publishMemoryMs;
    let from: { afterOffset: number; sinceMs?: number } = { afterOffset: 0, sinceMs };
    for (;;) {
      const { events, through, atEnd } = log.read([["**"]], from, 1000, 4_194_304);
      for (const { sender, id, publishedMs, offset } of events) {
        if (sender === "" || id === "") continue;
        this.#memory.remember(sender, id, countResults([], offset), monotonicMs - Math.max(0, nowMs - publishedMs));
      }
      if (atEnd) return;
      from = { afterOffset: through };
    }
  }
}

/** What the bridge says of itself. It tells what is now, so nothing of it is kept. */
function isNews({ segments }: Route): boolean {
  return segments[0] === "$sys";
}
