import assert from "node:assert/strict";
import { createCrashingLog } from "../log/crashing-log.test-helper.ts";
import type { EventLog } from "../log/event-log.ts";
import { createManualRuntime } from "../manual-runtime.ts";
import type { BusSubscription } from "./bus-subscription.ts";
import { type BusWorld, createBusWorld, eventOf, type TestSubscriber } from "./bus-world.test-helper.ts";
import type { SubscriptionRequest } from "./subscription-request.ts";

export type GroupStep =
  | { readonly kind: "publish" | "advance"; readonly ms: number }
  | { readonly kind: "join" | "die"; readonly member: number }
  | { readonly kind: "take"; readonly member: number; readonly max: number }
  | { readonly kind: "settle"; readonly member: number; readonly pick: number }
  | { readonly kind: "acknowledge"; readonly member: number; readonly pick: number }
  | { readonly kind: "retry"; readonly member: number; readonly pick: number; readonly delayMs: number }
  /** While an event is on its way, or not. */
  | { readonly kind: "crash"; readonly publishing: boolean };

export type GroupRequest = Pick<SubscriptionRequest, "window" | "atLeastOnce" | "maxAttempts" | "durable">;

/** A crash sets positions back by so much at most. */
const positionDelayMs = 5;

/** How long a group at least once is remembered when it has no members. */
const rememberedMs = 120_000;

interface Member {
  readonly subscriber: TestSubscriber;
  readonly subscription: BusSubscription;
  /** What it has and is not done with, by sequence number. */
  readonly held: Map<number, string>;
}

/** What is known of one event, besides that it was published. */
interface Fate {
  /** Deliveries since the group had no members. */
  deliveries: number;
  /** When the group was last done with it, and in which life of the bridge. */
  done: { readonly life: number; readonly atMs: number } | undefined;
}

/** One group, its members, one publisher, and what must be true of every event. */
export class GroupHistory {
  readonly #crashing = createCrashingLog(positionDelayMs);
  readonly #request: GroupRequest;
  readonly #members = new Map<number, Member>();
  readonly #fates = new Map<string, Fate>();
  /** When each life of the bridge ended. */
  readonly #crashes: number[] = [];
  /** Published for the group as it is now, or, durable, ever. */
  #owed: string[] = [];
  #isOwed = false;
  /** When a group that is remembered for a while lost its last member. */
  #emptySinceMs: number | undefined;
  /** Copies that were counted as lost, at least and at most. */
  #dropped = { least: 0, most: 0 };
  #world!: BusWorld;
  #log!: EventLog;
  #published = 0;

  constructor(request: GroupRequest) {
    this.#request = request;
  }

  async start(): Promise<void> {
    const runtime = createManualRuntime();
    if (this.#crashes.length > 0) runtime.advance(this.#crashes.at(-1) as number);
    this.#log = await this.#crashing.open(runtime);
    this.#world = createBusWorld({ runtime, log: this.#log });
    this.#members.clear();
    this.#dropped = { least: 0, most: 0 };
    this.#emptySinceMs = undefined;
    for (const fate of this.#fates.values()) fate.deliveries = 0;
    if (this.#request.durable === undefined) this.#owe(false);
  }

  async run(step: GroupStep): Promise<void> {
    this.#forgetGroup();
    switch (step.kind) {
      case "publish":
        this.#published += 1;
        await this.#publish(String(this.#published));
        return;
      case "advance":
        this.#world.runtime.advance(step.ms);
        return;
      case "join":
        if (!this.#members.has(step.member)) this.#join(step.member);
        return;
      case "die":
        this.#die(step.member);
        return;
      case "take":
        this.#take(step.member, step.max);
        return;
      case "settle":
      case "retry":
      case "acknowledge":
        this.#speak(step);
        return;
      case "crash":
        await this.#crash(step.publishing);
    }
  }

  #speak(step: Extract<GroupStep, { pick: number }>): void {
    const member = this.#members.get(step.member);
    const sequence = [...(member?.held.keys() ?? [])][step.pick % Math.max(1, member?.held.size ?? 0)];
    if (member === undefined || sequence === undefined) return;
    if (step.kind === "acknowledge") this.#acknowledge(member, sequence);
    else if (this.#request.atLeastOnce !== true) return;
    else if (step.kind === "retry") member.subscription.settle(sequence, { kind: "retry", delayMs: step.delayMs });
    else {
      this.#done(member, sequence);
      member.subscription.settle(sequence, { kind: "acknowledge" });
    }
  }

  /** Lets a last member take all that is left, and looks at what became of each event. */
  async finish(): Promise<void> {
    this.#forgetGroup();
    for (const slot of [...this.#members.keys()].slice(1)) this.#die(slot);
    if (this.#members.size === 0) this.#join(0);
    const [[slot, last]] = [...this.#members] as [[number, Member]];
    for (let round = 0; round < 200; round += 1) {
      this.#take(slot, 64);
      this.#acknowledge(last, Math.max(0, ...last.held.keys()));
      this.#world.runtime.advance(10);
      await this.#log.kept();
    }
    const letters = this.#deadLetters();
    for (const id of this.#owed) assert.ok(this.#fate(id).done !== undefined || letters.has(id), `${id} was lost`);
    const dropped = this.#world.bus.report().total.drops["subscriber-left"];
    assert.ok(this.#dropped.least <= dropped && dropped <= this.#dropped.most, `${dropped} are counted as lost`);
    this.#world.leave(last.subscriber);
    // What nobody subscribes to is counted all the same; the last who did takes the counts along.
    const undertaker = this.#world.subscriber("undertaker");
    this.#world.subscribe(undertaker, { filters: ["$dlq.a"] });
    this.#world.leave(undertaker);
    assert.ok(this.#world.bus.isEmpty, "something is left on the bus");
    await this.#log.close();
    this.#world.runtime.advance(rememberedMs);
    assert.equal(this.#world.runtime.pendingTimers(), 0, "a timer is left");
  }

  async #publish(id: string): Promise<void> {
    if (this.#isOwed) this.#owed.push(id);
    await this.#world.bus.publish(eventOf("a", id, "publisher"), true);
  }

  #join(slot: number): void {
    if (this.#members.size === 0 && this.#emptySinceMs === undefined) this.#owe(true);
    this.#emptySinceMs = undefined;
    const subscriber = this.#world.subscriber(`member-${slot}`);
    const subscription = this.#world.subscribe(subscriber, { group: "workers", ...this.#request });
    this.#members.set(slot, { subscriber, subscription, held: new Map() });
  }

  #die(slot: number): void {
    const member = this.#members.get(slot);
    if (member === undefined) return;
    this.#members.delete(slot);
    // Delivered at most once, what it was sent is done.
    if (this.#request.atLeastOnce !== true)
      for (const sequence of [...member.held.keys()]) this.#done(member, sequence);
    this.#world.leave(member.subscriber);
    if (this.#members.size > 0) return;
    const { durable, atLeastOnce } = this.#request;
    if (durable !== undefined) {
      // The log has where it stands, and not how often anything was delivered.
      for (const fate of this.#fates.values()) fate.deliveries = 0;
      return;
    }
    this.#emptySinceMs = this.#world.runtime.monotonic();
    if (atLeastOnce !== true) this.#forgetGroup(0);
  }

  /** A group that lost all of its members, and not just now, has lost what they had too. */
  #forgetGroup(afterMs = rememberedMs): void {
    if (this.#emptySinceMs === undefined) return;
    if (this.#world.runtime.monotonic() - this.#emptySinceMs < afterMs) return;
    const letters = this.#deadLetters();
    const open = this.#owed.filter((id) => this.#fate(id).done === undefined && !letters.has(id));
    // What was only in its queue is in the log and nobody's; without a log to go on in it is lost too.
    const isRemembered = this.#request.atLeastOnce === true;
    const sent = open.filter((id) => this.#fate(id).deliveries > 0);
    this.#dropped.least += isRemembered ? sent.length : open.length;
    this.#dropped.most += open.length;
    this.#emptySinceMs = undefined;
    this.#owe(false);
  }

  #take(slot: number, max: number): void {
    const member = this.#members.get(slot);
    if (member === undefined) return;
    const { window, atLeastOnce } = this.#request;
    for (const { gap, firstSequence, attempt, events } of member.subscription.take(max, 1e9)) {
      assert.equal(gap, undefined);
      for (const [place, { id }] of events.entries()) {
        const sequence = firstSequence + place;
        this.#checkDelivery(member, sequence, id, attempt);
        member.held.set(sequence, id);
        if (atLeastOnce !== true && window === 0) this.#done(member, sequence);
      }
    }
    // What was given up is in flight no more, though the member may still have it.
    const letters = member.held.size > window ? this.#deadLetters() : new Set<string>();
    const inFlight = [...member.held.values()].filter((id) => !letters.has(id)).length;
    assert.ok(window === 0 || inFlight <= window, "more is in flight than the window allows");
  }

  #checkDelivery(member: Member, sequence: number, id: string, attempt: number): void {
    const fate = this.#fate(id);
    fate.deliveries += 1;
    assert.ok(this.#owed.includes(id), `${id} is not for this group any more`);
    assert.equal(attempt, fate.deliveries, `${id} was delivered ${fate.deliveries} times`);
    if (this.#request.atLeastOnce !== true) assert.equal(attempt, 1, `${id} was delivered twice`);
    for (const other of this.#members.values()) {
      for (const [held, heldId] of other.held) {
        assert.ok(heldId !== id || (other === member && held === sequence), `${id} is with two members`);
      }
    }
    if (fate.done === undefined) return;
    const crashedMs = this.#crashes[fate.done.life];
    assert.ok(crashedMs !== undefined, `${id} comes again, though the group was done with it`);
    assert.ok(crashedMs - fate.done.atMs < positionDelayMs, `${id} comes again, though that had been written`);
  }

  #acknowledge(member: Member, through: number): void {
    for (const sequence of [...member.held.keys()]) if (sequence <= through) this.#done(member, sequence);
    member.subscription.acknowledge(through);
  }

  #done(member: Member, sequence: number): void {
    const id = member.held.get(sequence);
    member.held.delete(sequence);
    if (id !== undefined) this.#fate(id).done = { life: this.#crashes.length, atMs: this.#world.runtime.monotonic() };
  }

  async #crash(publishing: boolean): Promise<void> {
    if (publishing) {
      this.#published += 1;
      void this.#publish(String(this.#published));
    }
    this.#crashes.push(this.#world.runtime.monotonic());
    await this.start();
    // Its publisher was told nothing and asks again.
    if (publishing) await this.#world.bus.publish(eventOf("a", String(this.#published), "publisher"), true);
  }

  #owe(isOwed: boolean): void {
    if (this.#request.durable === undefined) this.#owed = [];
    this.#isOwed = isOwed || (this.#isOwed && this.#request.durable !== undefined);
  }

  #deadLetters(): Set<string> {
    const { events } = this.#log.read([["$dlq", "a"]], { afterOffset: 0 }, 1e6, 1e9);
    return new Set(events.map(({ id }) => id));
  }

  #fate(id: string): Fate {
    const known = this.#fates.get(id);
    if (known !== undefined) return known;
    const fate: Fate = { deliveries: 0, done: undefined };
    this.#fates.set(id, fate);
    return fate;
  }
}
