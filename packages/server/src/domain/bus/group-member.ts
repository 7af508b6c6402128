import type { LoomError } from "@loom-bridge/protocol";
import { sizeOf } from "./bus-event.ts";
import type { BusSubscription } from "./bus-subscription.ts";
import { deliveredOnce } from "./delivered-once.ts";
import type { EventFeed } from "./event-feed.ts";
import { Outlet, type Taken } from "./outlet.ts";
import type { Loss, Queued } from "./queued.ts";
import type { Settlement, Verdict } from "./settlement.ts";
import type { SubscriptionGroup } from "./subscription-group.ts";
import { type BusParts, createSettlement } from "./subscription-parts.ts";
import type { SubscriptionRequest } from "./subscription-request.ts";

export interface GroupMemberOptions {
  readonly group: SubscriptionGroup;
  readonly parts: BusParts;
  readonly feed: EventFeed;
  readonly request: SubscriptionRequest;
  readonly subscriber: string;
  readonly onReady: () => void;
  readonly onStall: (error: LoomError) => void;
  /** The member is done with an event. */
  readonly onDone: (item: Queued) => void;
}

/** How many events wait for a member that acknowledges nothing, so that the others get their share. */
const maxWaiting = 256;

/** One member of a group, with the events that were given to it. */
export class GroupMember implements BusSubscription {
  readonly id: number;
  readonly subscriber: string;
  readonly #options: GroupMemberOptions;
  readonly #settlement: Settlement | undefined;
  readonly #outlet: Outlet;
  #given: Queued[] = [];
  #loss: Loss | undefined;

  constructor(options: GroupMemberOptions) {
    const { parts, request, subscriber, feed, onReady, onDone } = options;
    this.id = request.id;
    this.subscriber = subscriber;
    this.#options = options;
    const tracksEach = request.window > 0 && (request.atLeastOnce === true || request.durable !== undefined);
    this.#settlement = tracksEach ? createSettlement(parts, request, { subscriber, feed, onReady, onDone }) : undefined;
    this.#outlet = new Outlet(request.window, this.#settlement, parts.journal, subscriber);
  }

  get backlog(): number {
    return this.#options.group.backlog + this.#given.length;
  }

  get backlogBytes(): number {
    return this.#given.reduce((sum, { event }) => sum + sizeOf(event), 0);
  }

  get groupMembers(): number {
    return this.#options.group.size;
  }

  /** Events that were sent to it and are not acknowledged or settled. */
  get inFlight(): number {
    return this.#outlet.inFlight;
  }

  /** In words, where the event with this id is; nothing when it has it not. */
  placeOf(id: string): string | undefined {
    const isGiven = this.#given.some(({ event }) => event.id === id);
    return isGiven ? "given to it and not sent yet" : this.#outlet.placeOf(id);
  }

  /** Events that it has and is not done with. */
  get busy(): number {
    return this.#outlet.inFlight + this.#given.length;
  }

  get room(): number {
    return Math.min(this.#outlet.room, maxWaiting) - this.#given.length;
  }

  give(item: Queued): void {
    this.#given.push(item);
    this.#options.onReady();
  }

  lose(loss: Loss): void {
    this.#loss = this.#loss === undefined ? loss : { ...loss, count: this.#loss.count + loss.count };
    this.#options.onReady();
  }

  stall(error: LoomError): void {
    this.#options.onStall(error);
  }

  take(maxItems: number, maxBytes: number): Taken[] {
    const again = this.#settlement === undefined ? [] : this.#outlet.takeAgain(maxItems);
    if (again.length > 0) return again;
    let bytes = 0;
    const tooMuch = this.#given.findIndex(({ event }, place) => {
      bytes += sizeOf(event);
      return place >= maxItems || (place > 0 && bytes > maxBytes);
    });
    const items = this.#given.splice(0, tooMuch < 0 ? this.#given.length : tooMuch);
    const taken = this.#outlet.pack(this.#loss, items);
    this.#loss = undefined;
    // Nobody will say that they arrived.
    if (this.#settlement === undefined) for (const item of items) this.#options.onDone(item);
    if (items.length > 0) this.#options.group.share();
    return taken;
  }

  acknowledge(sequence: number): void {
    this.#outlet.acknowledge(sequence);
    this.#options.group.share();
    this.#options.onReady();
  }

  settle(sequence: number, verdict: Verdict): void {
    if (this.#options.request.atLeastOnce !== true) throw deliveredOnce(this.id);
    this.#settlement?.settle(sequence, verdict);
    this.#options.group.share();
    this.#options.onReady();
  }

  /** Returns what others can go on with: what was not sent, and before it what has to be settled. */
  close(): Queued[] {
    const unsettled = this.#settlement?.close() ?? [];
    const given = this.#given;
    this.#given = [];
    if (this.#options.request.atLeastOnce === true) return [...unsettled, ...given];
    for (const item of unsettled) this.#options.onDone(item);
    return given;
  }
}
