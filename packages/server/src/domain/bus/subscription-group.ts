import { LoomError } from "@loom-bridge/protocol";
import type { BusStatistics } from "./bus-statistics.ts";
import type { DeliveryResult, EventFeed } from "./event-feed.ts";
import { GroupMember, type GroupMemberOptions } from "./group-member.ts";
import type { PositionKeeper } from "./position-keeper.ts";
import { qualities } from "./quality.ts";
import type { Queued } from "./queued.ts";
import { type Beginning, type BusParts, createFeed, findBeginning } from "./subscription-parts.ts";
import type { PendingCopy, SubscriptionReport } from "./subscription-report.ts";
import { defaultMaxAttempts, type SubscriptionRequest } from "./subscription-request.ts";

/** Bytes that the group's queue gives out at a time. */
const maxBytes = 8 * 1024 * 1024;

/** Subscribers that share the events of one subscription: each event goes to one of them, the least busy. */
export class SubscriptionGroup {
  readonly id = 0;
  readonly name: string;
  readonly filters: readonly (readonly string[])[];
  readonly eventTypes: ReadonlySet<string>;
  readonly rank: number;
  /** All of its members may hear everything that it hears. */
  readonly accepts: undefined;
  readonly #request: SubscriptionRequest;
  readonly #parts: BusParts;
  readonly #statistics: BusStatistics;
  readonly #feed: EventFeed;
  readonly #keeper: PositionKeeper | undefined;
  readonly #members = new Set<GroupMember>();
  /** What the group is remembered by when its last member has left; a durable one is in the log. */
  readonly #pastKey: string | undefined;
  /** Every event up to here was given to members. Undefined: none yet, of a start that names no offset. */
  #through: number | undefined;
  /** Events that a member left behind, for the next one. Bounded by the members' windows. */
  #returned: Queued[] = [];
  #sharing = false;

  constructor(parts: BusParts, name: string, request: SubscriptionRequest, filters: readonly (readonly string[])[]) {
    this.name = name;
    this.filters = filters;
    this.eventTypes = new Set(request.eventTypes);
    this.rank = qualities[request.quality].rank;
    this.#request = request;
    this.#parts = parts;
    this.#statistics = parts.statistics;
    const isRemembered = request.atLeastOnce === true && request.durable === undefined && parts.log !== undefined;
    this.#pastKey = isRemembered ? JSON.stringify([name, request.filters, request.eventTypes]) : undefined;
    const beginning = this.#recall() ?? findBeginning(parts, `group ${name}`, request);
    this.#through ??= offsetOf(parts, beginning);
    this.#keeper = beginning.keeper;
    this.#feed = createFeed(parts, request, filters, {
      beginning,
      subscriber: `group ${name}`,
      isWanted: ({ type }) => this.eventTypes.size === 0 || this.eventTypes.has(type),
      onReady: () => this.share(),
      onStall: (error) => {
        for (const member of [...this.#members]) member.stall(error);
      },
    });
  }

  get size(): number {
    return this.#members.size;
  }

  get backlog(): number {
    return this.#feed.backlog + this.#returned.length;
  }

  report(): SubscriptionReport {
    const { quality, overflow = qualities[quality].overflow, filters, atLeastOnce = false } = this.#request;
    const feed = this.#feed.report();
    return {
      agentId: "",
      group: this.name,
      id: this.id,
      filters,
      quality,
      overflow,
      atLeastOnce,
      members: this.size,
      inFlight: [...this.#members].reduce((sum, { inFlight }) => sum + inFlight, 0),
      ...feed,
      backlog: feed.backlog + this.#returned.length,
    };
  }

  pending(id: string): PendingCopy[] {
    for (const member of this.#members) {
      const place = member.placeOf(id);
      if (place !== undefined) return [{ subscriber: member.subscriber, place }];
    }
    const isReturned = this.#returned.some(({ event }) => event.id === id);
    const place = isReturned ? "left behind by a member, for the next that has room" : this.#feed.placeOf(id);
    return place === undefined ? [] : [{ subscriber: `group ${this.name}`, place }];
  }

  get memberNames(): string[] {
    return [...this.#members].map(({ subscriber }) => subscriber);
  }

  /** Adds a member. @throws LoomError `failed_precondition` when it asks for something else than the others. */
  join(options: Pick<GroupMemberOptions, "request" | "subscriber" | "onReady" | "onStall">): GroupMember {
    for (const field of sharedFields) {
      const [ours, theirs] = [this.#request, options.request].map((request) => JSON.stringify(request[field] ?? null));
      if (ours === theirs) continue;
      throw new LoomError(
        "failed_precondition",
        `subscription.${field} is ${theirs}, and the group ${this.name} has ${ours}; all members of a group ask for the same, or name the group otherwise`,
        { details: { field: `subscription.${field}` } },
      );
    }
    const member = new GroupMember({
      ...options,
      group: this,
      parts: this.#parts,
      feed: this.#feed,
      onDone: ({ event }) => this.#keeper?.done(event.offset),
    });
    this.#members.add(member);
    return member;
  }

  /** A member is gone: the others go on with what it had. Returns whether it was the last. */
  leave(member: GroupMember): boolean {
    if (!this.#members.delete(member)) return false;
    const { atLeastOnce, maxAttempts = defaultMaxAttempts } = this.#request;
    const left = member.close();
    for (const item of left) this.#statistics.returned(item.counts);
    this.#returned = [...left, ...this.#returned];
    if (atLeastOnce === true) this.#giveUpSpent(maxAttempts);
    if (this.size > 0) {
      this.share();
      return false;
    }
    this.#end();
    return true;
  }

  isPast(offset: number): boolean {
    return this.#feed.isPast(offset);
  }

  deliver(item: Queued, mayWait: boolean): DeliveryResult | Promise<DeliveryResult> {
    return this.#feed.deliver(item.copy(), mayWait);
  }

  /** Gives events to members that have room. */
  share(): void {
    // What is given out may call back.
    if (this.#sharing) return;
    this.#sharing = true;
    try {
      while (this.#shareSome());
    } finally {
      this.#sharing = false;
    }
  }

  #shareSome(): boolean {
    const room = this.#keeper?.isFull === true ? 0 : [...this.#members].reduce((sum, member) => sum + member.room, 0);
    if (room <= 0) return false;
    let items = this.#returned.splice(0, room);
    for (const { counts } of items) this.#statistics.taken(counts);
    if (items.length === 0) {
      items = this.#feed.take(room, maxBytes);
      for (const { event } of items) this.#through = Math.max(this.#through ?? 0, event.offset);
      const loss = this.#feed.takeLoss();
      if (loss !== undefined) this.#leastBusy()?.lose(loss);
    }
    for (const item of items) {
      this.#keeper?.taken(item.event.offset);
      this.#leastBusy()?.give(item);
    }
    return items.length > 0;
  }

  #leastBusy(): GroupMember | undefined {
    let chosen: GroupMember | undefined;
    for (const member of this.#members) {
      if (member.room > 0 && (chosen === undefined || member.busy < chosen.busy)) chosen = member;
    }
    return chosen;
  }

  /** Where the group stood before, if it did within the last minutes; what was left then is for the first member. */
  #recall(): Beginning | undefined {
    const past = this.#pastKey === undefined ? undefined : this.#parts.pastGroups.recall(this.#pastKey);
    if (past === undefined) return undefined;
    this.#through = past.through;
    this.#returned = [...past.left];
    for (const { counts } of this.#returned) this.#statistics.returned(counts);
    return { start: { kind: "after", offset: past.through, logId: "" }, keeper: undefined };
  }

  #end(): void {
    const left = this.#returned;
    this.#returned = [];
    for (const { counts } of left) this.#statistics.taken(counts);
    if (this.#pastKey !== undefined && this.#through !== undefined) {
      this.#parts.pastGroups.keep(this.#pastKey, { through: this.#through, left });
      this.#feed.close(true);
      return;
    }
    for (const { event, counts } of left) {
      if (this.#keeper === undefined || event.offset === 0) this.#statistics.dropped(counts, "subscriber-left");
    }
    this.#feed.close(this.#keeper !== undefined);
  }

  #giveUpSpent(maxAttempts: number): void {
    this.#returned = this.#returned.filter((item) => {
      if (item.attempts < maxAttempts) return true;
      this.#statistics.taken(item.counts);
      this.#feed.gaveUp();
      this.#parts.onGivenUp(item, `its subscriber left, and it was delivered ${item.attempts} times`, this.name);
      this.#keeper?.done(item.event.offset);
      return false;
    });
  }
}

/** The offset after which a group begins, if its start names one. */
function offsetOf({ log }: BusParts, { start }: Beginning): number | undefined {
  if (start === undefined || log === undefined) return log?.head;
  if (start.kind !== "after") return undefined;
  return start.logId === "" || start.logId === log.id ? Math.min(start.offset, log.head) : 0;
}

/** What all members of a group have in common. */
const sharedFields = [
  "filters",
  "eventTypes",
  "quality",
  "overflow",
  "atLeastOnce",
  "settleTimeoutMs",
  "maxAttempts",
  "durable",
] as const satisfies (keyof SubscriptionRequest)[];
