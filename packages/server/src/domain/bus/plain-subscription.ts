import type { LoomError } from "@loom-bridge/protocol";
import type { LoggedEvent } from "./bus-event.ts";
import type { BusSubscription } from "./bus-subscription.ts";
import { deliveredOnce } from "./delivered-once.ts";
import type { DeliveryResult, EventFeed } from "./event-feed.ts";
import { Outlet, type Taken } from "./outlet.ts";
import type { PositionKeeper } from "./position-keeper.ts";
import { qualities } from "./quality.ts";
import type { Queued } from "./queued.ts";
import type { Settlement, Verdict } from "./settlement.ts";
import { type BusParts, createFeed, createSettlement, findBeginning } from "./subscription-parts.ts";
import type { PendingCopy, SubscriptionReport } from "./subscription-report.ts";
import type { SubscriptionRequest } from "./subscription-request.ts";

export interface PlainSubscriptionOptions {
  readonly parts: BusParts;
  readonly request: SubscriptionRequest;
  readonly filters: readonly (readonly string[])[];
  /** The agent's id; empty for a client without a session. */
  readonly subscriber: string;
  /** Whether an event of the past is this subscription's, and not another's of the same subscriber. */
  readonly isOwn: (event: LoggedEvent) => boolean;
  readonly onReady: () => void;
  readonly onStall: (error: LoomError) => void;
}

const allTypes: ReadonlySet<string> = new Set();

/** A subscription with a feed of its own. */
export class PlainSubscription implements BusSubscription {
  readonly id: number;
  readonly groupMembers = 0;
  readonly filters: readonly (readonly string[])[];
  readonly eventTypes: ReadonlySet<string>;
  readonly rank: number;
  /** It gets every event after this offset, as far as nothing is lost. */
  readonly coversAfter: number;
  readonly #feed: EventFeed;
  readonly #outlet: Outlet;
  readonly #settlement: Settlement | undefined;
  readonly #keeper: PositionKeeper | undefined;
  readonly #atLeastOnce: boolean;
  readonly #options: PlainSubscriptionOptions;

  constructor(options: PlainSubscriptionOptions) {
    const { parts, request, filters, subscriber, isOwn, onReady, onStall } = options;
    this.#options = options;
    this.id = request.id;
    this.filters = filters;
    this.eventTypes = request.eventTypes.length === 0 ? allTypes : new Set(request.eventTypes);
    this.rank = qualities[request.quality].rank;
    this.#atLeastOnce = request.atLeastOnce === true;
    const beginning = findBeginning(parts, `agent ${subscriber}`, request);
    const { start, keeper } = beginning;
    this.#keeper = keeper;
    this.coversAfter = start?.kind === "after" ? start.offset : (parts.log?.head ?? 0);
    this.#feed = createFeed(parts, request, filters, { beginning, subscriber, isWanted: isOwn, onReady, onStall });
    const tracksEach = request.window > 0 && (this.#atLeastOnce || keeper !== undefined);
    this.#settlement = tracksEach
      ? createSettlement(parts, request, {
          subscriber,
          feed: this.#feed,
          onReady,
          onDone: ({ event }) => keeper?.done(event.offset),
        })
      : undefined;
    this.#outlet = new Outlet(request.window, this.#settlement, parts.journal, subscriber);
  }

  /** How far it has read the log on its way to the present; nothing when it is there. */
  get readThrough(): number | undefined {
    return this.#feed.readThrough;
  }

  get backlog(): number {
    return this.#feed.backlog;
  }

  report(): SubscriptionReport {
    const { request, subscriber } = this.#options;
    const { quality, overflow = qualities[quality].overflow } = request;
    return {
      agentId: subscriber,
      group: "",
      id: this.id,
      filters: request.filters,
      quality,
      overflow,
      atLeastOnce: this.#atLeastOnce,
      members: 0,
      inFlight: this.#outlet.inFlight,
      ...this.#feed.report(),
    };
  }

  pending(id: string): PendingCopy[] {
    const place = this.#outlet.placeOf(id) ?? this.#feed.placeOf(id);
    return place === undefined ? [] : [{ subscriber: this.#options.subscriber, place }];
  }

  isPast(offset: number): boolean {
    return this.#feed.isPast(offset);
  }

  get backlogBytes(): number {
    return this.#feed.backlogBytes;
  }

  deliver(item: Queued, mayWait: boolean): DeliveryResult | Promise<DeliveryResult> {
    return this.#feed.deliver(this.#settlement === undefined ? item : item.copy(), mayWait);
  }

  take(maxItems: number, maxBytes: number): Taken[] {
    const again = this.#settlement === undefined ? [] : this.#outlet.takeAgain(maxItems);
    if (again.length > 0) return again;
    const keeper = this.#keeper;
    const allowed = keeper?.isFull === true ? 0 : Math.min(maxItems, this.#outlet.room);
    // A gap waits for room too: while nothing can be sent it only grows.
    if (allowed <= 0) return again;
    const items = this.#feed.take(allowed, maxBytes);
    if (keeper !== undefined) for (const { event } of items) keeper.taken(event.offset);
    const taken = this.#outlet.pack(this.#feed.takeLoss(), items);
    // Nobody will say that they arrived.
    if (keeper !== undefined && this.#settlement === undefined)
      for (const { event } of items) keeper.done(event.offset);
    return taken;
  }

  acknowledge(sequence: number): void {
    this.#outlet.acknowledge(sequence);
    this.#options.onReady();
  }

  settle(sequence: number, verdict: Verdict): void {
    if (!this.#atLeastOnce) throw deliveredOnce(this.id);
    this.#settlement?.settle(sequence, verdict);
    this.#options.onReady();
  }

  /** Ends it; what is queued is dropped, but what a durable subscription has not settled stays in the log. */
  close(): void {
    this.#settlement?.close();
    this.#feed.close(this.#keeper !== undefined);
  }
}
