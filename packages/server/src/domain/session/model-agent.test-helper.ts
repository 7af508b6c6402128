import assert from "node:assert/strict";
import { anyone } from "../access/anyone.test-helper.ts";
import type { SubscriptionRequest } from "../bus/subscription-request.ts";
import type { Session } from "./session.ts";
import type { SessionRegistry } from "./session-registry.ts";

export interface Publish {
  readonly id: string;
  readonly topic: string;
  /** When it was sent first. */
  readonly sentMs: number;
  readonly offset?: number;
}

interface Held {
  readonly id: string;
  readonly offset: number;
}

/** What an agent knows of one of its subscriptions, over all its sessions. */
class Inbox {
  readonly request: SubscriptionRequest;
  /** Delivered at least once, it must get everything after this offset. */
  beginning: number | undefined;
  /** What it has and is not done with, by sequence number. */
  held = new Map<number, Held>();
  /** Delivered at most once: what came in each session, and after which offset that began. */
  readonly lives: { readonly after: number; readonly received: string[] }[] = [];
  readonly handled = new Map<number, string>();
  #nextSequence = 1;
  #received = 0;
  #unacknowledged = 0;

  constructor(request: SubscriptionRequest) {
    this.request = request;
  }

  get isAtLeastOnce(): boolean {
    return this.request.atLeastOnce === true;
  }

  /** How to ask for it anew: a subscription that the bridge keeps no position of goes on where its agent stands. */
  resume(logId: string): SubscriptionRequest {
    if (!this.isAtLeastOnce || this.request.durable !== undefined || this.beginning === undefined) return this.request;
    const first = Math.min(...[...this.held.values()].map(({ offset }) => offset));
    this.#received = Math.min(this.#received, first - 1);
    return { ...this.request, start: { kind: "after", offset: this.#received, logId } };
  }

  begin(head: number): void {
    this.#received = Math.max(this.#received, this.beginning ?? head);
    this.beginning ??= head;
    this.lives.push({ after: head, received: [] });
    this.held = new Map();
    this.#nextSequence = 1;
    this.#unacknowledged = 0;
  }

  take(firstSequence: number, attempt: number, events: readonly Held[]): void {
    for (const [place, { id, offset }] of events.entries()) {
      const sequence = firstSequence + place;
      if (sequence === this.#nextSequence) this.#nextSequence += 1;
      else assert.ok(attempt > 1 && this.held.get(sequence)?.id === id, `number ${sequence} came out of turn`);
      this.#received = Math.max(this.#received, offset);
      if (this.isAtLeastOnce) this.held.set(sequence, { id, offset });
      else {
        this.lives.at(-1)?.received.push(id);
        this.#unacknowledged += 1;
      }
    }
    const { window } = this.request;
    const inFlight = this.isAtLeastOnce ? this.held.size : this.#unacknowledged;
    assert.ok(window === 0 || inFlight <= window, `${inFlight} events are in flight, and the window is ${window}`);
  }

  /** What was handled before, as its offset says, is passed over. */
  handle(sequence: number): void {
    const held = this.held.get(sequence);
    this.held.delete(sequence);
    if (held !== undefined && !this.handled.has(held.offset)) this.handled.set(held.offset, held.id);
  }

  /** Handles everything that came, and returns what to acknowledge. */
  handleAll(): number {
    for (const sequence of [...this.held.keys()]) this.handle(sequence);
    this.#unacknowledged = 0;
    return this.#nextSequence - 1;
  }

  compare(all: readonly Publish[]): void {
    const wanted = all.filter(({ topic }) => this.request.filters.some((filter) => matches(filter, topic)));
    const after = (offset: number) => wanted.filter((each) => (each.offset ?? 0) > offset).map(({ id }) => id);
    if (this.isAtLeastOnce) {
      assert.deepEqual([...this.handled.values()].sort(), after(this.beginning ?? 0).sort());
      return;
    }
    for (const [index, life] of this.lives.entries()) {
      const expected = after(life.after);
      // A session that ended leaves what was still queued.
      const reached = index === this.lives.length - 1 ? expected : expected.slice(0, life.received.length);
      assert.deepEqual(life.received, reached);
    }
  }
}

/** An agent as a client keeps it: what it sent and was not told of, and what it received, session after session. */
export class ModelAgent {
  readonly id: string;
  readonly #inboxes: readonly Inbox[];
  readonly #published = new Set<string>();
  /** Not receipted, in order. */
  #outbox: Publish[] = [];
  #refs = new Map<number, Publish>();
  #ref = 0;
  #logId = "";
  #session: Session | undefined;
  #older: Session | undefined;
  #heardMs = 0;

  constructor(id: string, requests: readonly SubscriptionRequest[]) {
    this.id = id;
    this.#inboxes = requests.map((request) => new Inbox(request));
  }

  get session(): Session | undefined {
    return this.#session;
  }

  get isOnline(): boolean {
    return this.#session !== undefined;
  }

  connect(sessions: SessionRegistry): Session {
    const subscriptions = this.#inboxes.map((inbox) => inbox.resume(this.#logId));
    const registration = { agentId: this.id, topics: [], subscriptions, tools: [], metadata: {} };
    const session = sessions.open(registration, anyone);
    this.#older = this.#session;
    this.#session = session;
    this.#logId = session.log.id;
    this.#heardMs = session.connectedMs;
    this.#refs = new Map();
    for (const inbox of this.#inboxes) inbox.begin(session.log.head);
    for (const publish of this.#outbox) this.#send(publish);
    return session;
  }

  /** The bridge's process is gone. */
  forgetSessions(): void {
    this.#session = undefined;
    this.#older = undefined;
  }

  /** Its session is over. */
  lose(): void {
    this.#older = this.#session ?? this.#older;
    this.#session = undefined;
  }

  heard(): void {
    this.#session?.heard();
    if (this.#session !== undefined) this.#heardMs = this.#session.lastSeenMs;
  }

  silentMs(nowMs: number): number {
    return nowMs - this.#heardMs;
  }

  publish(publish: Publish): void {
    this.#published.add(publish.id);
    this.#outbox.push(publish);
    this.#send(publish);
  }

  hasPublished(id: string): boolean {
    return this.#published.has(id);
  }

  /** Takes what was sent before a time out of the outbox. */
  giveUp(beforeMs: number): Publish[] {
    const old = this.#outbox.filter(({ sentMs }) => sentMs < beforeMs);
    this.#outbox = this.#outbox.filter((publish) => !old.includes(publish));
    return old;
  }

  takeReceipts(): Publish[] {
    const told: Publish[] = [];
    for (const frame of this.#session?.takeControl() ?? []) {
      if (frame.kind !== "receipts") continue;
      for (const { ref, count, error } of frame.receipts) {
        assert.equal(error, undefined);
        for (let each = ref; each < ref + count; each += 1) {
          const publish = this.#refs.get(each) ?? assert.fail(`a receipt for ${each}, which was not asked for`);
          this.#refs.delete(each);
          this.#outbox.splice(this.#outbox.indexOf(publish), 1);
          told.push(publish);
        }
      }
    }
    return told;
  }

  take(): void {
    for (const { subscriptionId, gap, firstSequence, attempt, events } of this.#session?.takeEvents() ?? []) {
      assert.equal(gap, undefined);
      this.#inbox(subscriptionId).take(firstSequence, attempt, events);
    }
  }

  settle(pick: number): void {
    const picked = this.#pick(pick);
    if (picked === undefined) return;
    const [inbox, sequence] = picked;
    inbox.handle(sequence);
    this.#session?.settle(inbox.request.id, sequence, { kind: "acknowledge" });
  }

  retry(pick: number, delayMs: number): void {
    const picked = this.#pick(pick);
    if (picked === undefined) return;
    const [inbox, sequence] = picked;
    this.#session?.settle(inbox.request.id, sequence, { kind: "retry", delayMs });
  }

  acknowledge(pick: number): void {
    const inbox = this.#inboxes[pick % this.#inboxes.length] as Inbox;
    this.#session?.acknowledge(inbox.request.id, inbox.handleAll());
  }

  handleAll(): void {
    for (const [index] of this.#inboxes.entries()) this.acknowledge(index);
  }

  /** What an older session still says changes nothing. */
  actLate(): void {
    const session = this.#older;
    if (session === undefined) return;
    session.heard();
    for (const { request } of this.#inboxes) {
      session.acknowledge(request.id, 1_000_000);
      if (request.atLeastOnce === true) session.settle(request.id, 1, { kind: "terminate", reason: "late" });
    }
    assert.deepEqual(session.takeEvents(), []);
    session.publish(1, [
      { id: `late of ${this.id}`, topic: "a.x", sender: this.id, type: "t", body: new Uint8Array() },
    ]);
    session.end(undefined);
  }

  compare(all: readonly Publish[]): void {
    assert.deepEqual(this.#outbox, []);
    for (const inbox of this.#inboxes) inbox.compare(all);
  }

  #send(publish: Publish): void {
    if (this.#session === undefined) return;
    this.#ref += 1;
    this.#refs.set(this.#ref, publish);
    const { id, topic } = publish;
    this.#session.publish(this.#ref, [{ id, topic, sender: this.id, type: "t", body: new Uint8Array() }]);
  }

  #inbox(id: number): Inbox {
    return this.#inboxes.find(({ request }) => request.id === id) ?? assert.fail(`no subscription ${id}`);
  }

  /** One of the events that it holds. */
  #pick(pick: number): readonly [Inbox, number] | undefined {
    const held = this.#inboxes.flatMap((inbox) => [...inbox.held.keys()].map((sequence) => [inbox, sequence] as const));
    return this.#session === undefined ? undefined : held[pick % Math.max(1, held.length)];
  }
}

/** By brute force, for the filters that are used here. */
function matches(filter: string, topic: string): boolean {
  return new RegExp(`^${filter.replace("**", ".+").replace(/(?<!\.)\*/, "[^.]+")}$`).test(topic);
}
