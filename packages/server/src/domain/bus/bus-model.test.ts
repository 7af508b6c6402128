import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { runHistories } from "../histories.test-helper.ts";
import { createCrashingLog } from "../log/crashing-log.test-helper.ts";
import type { EventLog } from "../log/event-log.ts";
import { createManualRuntime } from "../manual-runtime.ts";
import type { BusSubscription } from "./bus-subscription.ts";
import { type BusWorld, createBusWorld, eventOf, type TestSubscriber } from "./bus-world.test-helper.ts";
import type { SubscriptionRequest } from "./subscription-request.ts";

/** A crash sets positions back by so much at most. */
const positionDelayMs = 5;

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("publish" as const), again: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("take" as const), max: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("settle" as const), pick: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("acknowledge" as const), pick: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("retry" as const), pick: fc.nat(9), delayMs: fc.nat(500) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reconnect" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("advance" as const), ms: fc.nat(1500) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const) }) },
);

type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

type HistoryRequest = Pick<SubscriptionRequest, "window" | "atLeastOnce" | "maxAttempts" | "durable">;

/** One agent, its durable subscription, one publisher, and what must be true of them in the end. */
class History {
  readonly #crashing = createCrashingLog(positionDelayMs);
  readonly #request: HistoryRequest;
  #world!: BusWorld;
  #log: EventLog | undefined;
  #agent: TestSubscriber | undefined;
  #subscription!: BusSubscription;
  #published = 0;
  /** Events whose receipt came. */
  readonly #receipted = new Set<string>();
  readonly #handled: string[] = [];
  readonly #offsets = new Set<number>();
  /** When each event was last taken, and in which life of the bridge. */
  readonly #taken = new Map<string, { readonly life: number; readonly atMs: number }>();
  /** When each life of the bridge ended. */
  readonly #crashes: number[] = [];
  /** What the agent has and is not done with, by its sequence number. */
  #held = new Map<number, { id: string; offset: number }>();

  constructor(request: HistoryRequest) {
    this.#request = request;
  }

  async start(): Promise<void> {
    const runtime = createManualRuntime();
    this.#log = await this.#crashing.open(runtime);
    this.#world = createBusWorld({ runtime, log: this.#log });
    // Nobody says goodbye to a bridge that is gone.
    this.#agent = undefined;
    this.#connect();
  }

  async run(each: Step): Promise<void> {
    switch (each.kind) {
      case "publish": {
        if (!each.again || this.#published === 0) this.#published += 1;
        const id = String(this.#published);
        await this.#world.bus.publish(eventOf("a", id, "publisher"), true);
        this.#receipted.add(id);
        return;
      }
      case "take":
        this.#take(each.max);
        return;
      case "settle":
      case "retry": {
        const sequence = [...this.#held.keys()][each.pick % Math.max(1, this.#held.size)];
        if (sequence === undefined) return;
        if (each.kind === "settle") this.#handle(sequence);
        const verdict = each.kind === "settle" ? { kind: "acknowledge" as const } : each;
        if (this.#request.atLeastOnce === true) this.#subscription.settle(sequence, verdict as never);
        return;
      }
      case "acknowledge": {
        const sequence = [...this.#held.keys()][each.pick % Math.max(1, this.#held.size)] ?? 0;
        for (const held of [...this.#held.keys()]) if (held <= sequence) this.#handle(held);
        this.#subscription.acknowledge(sequence);
        return;
      }
      case "reconnect":
        if (this.#published % 2 === 0 && this.#agent !== undefined) this.#world.leave(this.#agent);
        this.#connect();
        return;
      case "advance":
        this.#world.runtime.advance(each.ms);
        return;
      case "crash":
        this.#crashes.push(this.#world.runtime.monotonic());
        await this.start();
    }
  }

  /** Lets the agent handle all that is left, and returns the world to be looked at. */
  async finish(): Promise<{ handled: readonly string[]; receipted: readonly string[] }> {
    for (let round = 0; round < 200; round += 1) {
      this.#take(64);
      const last = Math.max(0, ...this.#held.keys());
      for (const held of [...this.#held.keys()]) this.#handle(held);
      this.#subscription.acknowledge(last);
      this.#world.runtime.advance(10);
    }
    if (this.#agent !== undefined) this.#world.leave(this.#agent);
    assert.ok(this.#world.bus.isEmpty, "something is left on the bus");
    await this.#log?.close();
    return { handled: this.#handled, receipted: [...this.#receipted] };
  }

  #connect(): void {
    const older = this.#agent;
    this.#agent = this.#world.subscriber("agent");
    this.#subscription = this.#world.subscribe(this.#agent, this.#request);
    // The newer session is there before the older one's end.
    if (older !== undefined) this.#world.leave(older);
    this.#held = new Map();
  }

  /** Delivered once, an event is handled as it comes; else the agent takes its time, and dies with what it has. */
  #take(max: number): void {
    for (const { firstSequence, events } of this.#subscription.take(max, 1e9)) {
      for (const [place, { id, offset }] of events.entries()) {
        this.#held.set(firstSequence + place, { id, offset });
        if (this.#request.atLeastOnce === true) continue;
        this.#checkOnce(id);
        this.#handle(firstSequence + place);
      }
    }
  }

  /** It was not sent before, unless a crash came before that was written. */
  #checkOnce(id: string): void {
    const before = this.#taken.get(id);
    this.#taken.set(id, { life: this.#crashes.length, atMs: this.#world.runtime.monotonic() });
    if (before === undefined) return;
    const crashedMs = this.#crashes[before.life] ?? assert.fail(`${id} was sent twice in one life of the bridge`);
    assert.ok(crashedMs - before.atMs < positionDelayMs, `${id} was sent again, though its position was written`);
  }

  /** What was handled before, as its offset says, is passed over, unless it must not come twice anyway. */
  #handle(sequence: number): void {
    const held = this.#held.get(sequence);
    this.#held.delete(sequence);
    if (held === undefined || (this.#request.atLeastOnce === true && this.#offsets.has(held.offset))) return;
    this.#offsets.add(held.offset);
    this.#handled.push(held.id);
  }
}

test("at least once, whatever happens, each event that was receipted is handled, and with offsets none twice", (context) =>
  runHistories(context, {
    step,
    count: 100,
    async run(steps) {
      const history = new History({ window: 5, atLeastOnce: true, maxAttempts: 100, durable: "work" });
      await history.start();
      for (const each of steps) await history.run(each);
      const { handled, receipted } = await history.finish();
      assert.deepEqual([...handled].sort(), [...receipted].sort());
    },
  }));

test("at most once, each event that was receipted is sent in order and once, and again only if it was just sent when the bridge crashed", (context) =>
  runHistories(context, {
    step,
    count: 100,
    async run(steps) {
      const history = new History({ window: 0, durable: "work" });
      await history.start();
      for (const each of steps) await history.run(each);
      const { handled, receipted } = await history.finish();
      assert.deepEqual([...new Set(handled)], receipted);
    },
  }));
