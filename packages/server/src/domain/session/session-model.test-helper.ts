import assert from "node:assert/strict";
import { setImmediate as settled } from "node:timers/promises";
import { anyone, noGate } from "../access/anyone.test-helper.ts";
import { EventBus } from "../bus/event-bus.ts";
import type { SubscriptionRequest } from "../bus/subscription-request.ts";
import { type CrashingLog, createCrashingLog } from "../log/crashing-log.test-helper.ts";
import type { EventLog } from "../log/event-log.ts";
import { silentLogger } from "../logger.ts";
import { createManualRuntime, type ManualRuntime } from "../manual-runtime.ts";
import { ModelAgent, type Publish } from "./model-agent.test-helper.ts";
import { SessionRegistry } from "./session-registry.ts";
import { defaultSessionSettings } from "./session-settings.ts";

export type Step =
  | { readonly kind: "publish"; readonly agent: number; readonly topic: number; readonly wait: boolean }
  | { readonly kind: "publish-again"; readonly agent: number; readonly pick: number }
  | { readonly kind: "connect" | "leave" | "take" | "late"; readonly agent: number }
  | { readonly kind: "settle" | "acknowledge"; readonly agent: number; readonly pick: number }
  | { readonly kind: "retry"; readonly agent: number; readonly pick: number; readonly delayMs: number }
  | { readonly kind: "advance"; readonly ms: number; readonly silent: number }
  | { readonly kind: "drain" | "crash" };

export const topics = ["a.x", "a.y", "b", "c"] as const;
const heartbeatIntervalMs = 30_000;
/** The bridge remembers a publish for two minutes; whoever repeats one later has it twice. */
const repeatWithinMs = 100_000;

const subscription = (id: number, filters: readonly string[], more: Partial<SubscriptionRequest> = {}) =>
  ({ id, filters, eventTypes: [], quality: "batched", window: 0, ...more }) as const;
const atLeastOnce = { atLeastOnce: true, maxAttempts: 100 };

/** What each agent subscribes to: no topic twice, so that nothing has to be known of overlaps. */
const agents: readonly (readonly SubscriptionRequest[])[] = [
  [
    subscription(1, ["a.*"], { ...atLeastOnce, window: 3 }),
    subscription(2, ["b"], { window: 2 }),
    subscription(3, ["c"], { ...atLeastOnce, window: 2, durable: "c" }),
  ],
  [subscription(1, ["**"], { ...atLeastOnce, window: 4, durable: "all" })],
  [subscription(1, ["c", "a.y"])],
];

/** Agents of one registry, what happens to them, and what must be true meanwhile and in the end. */
export class SessionHistory {
  readonly #crashing: CrashingLog = createCrashingLog(5);
  readonly #agents = agents.map((requests, index) => new ModelAgent(`agent-${index}`, requests));
  readonly #receipted = new Map<string, Publish>();
  readonly #abandoned = new Set<string>();
  readonly #expectedPresence: string[] = [];
  readonly #presence: string[] = [];
  #runtime: ManualRuntime | undefined;
  #log!: EventLog;
  #sessions!: SessionRegistry;
  #bus!: EventBus;
  #published = 0;
  #lastEpoch = 0;

  async start(): Promise<void> {
    const runtime = createManualRuntime();
    if (this.#runtime !== undefined) runtime.advance(this.#runtime.now() - runtime.now() + 1);
    this.#runtime = runtime;
    this.#log = await this.#crashing.open(runtime);
    this.#bus = new EventBus({ runtime, stallTimeoutMs: 30_000, log: this.#log });
    this.#sessions = new SessionRegistry({
      bus: this.#bus,
      runtime,
      logger: silentLogger,
      gatekeeper: noGate,
      settings: { ...defaultSessionSettings, heartbeatIntervalMs, batchEvents: 2 },
      tools: { register: () => ({ remove: () => {} }), call: () => assert.fail("nobody calls") },
      onChange: ({ kind, session }) => this.#presence.push(`${session.agentId} ${kind} ${session.epoch}`),
    });
    for (const agent of this.#agents) agent.forgetSessions();
  }

  async run(step: Step): Promise<void> {
    await this.#do(step);
    this.#collectReceipts();
    assert.deepEqual(this.#presence.toSorted(), this.#expectedPresence.toSorted());
    const live = this.#agents.filter(({ isOnline }) => isOnline);
    assert.deepEqual(
      this.#sessions.list(),
      live.map(({ session }) => session),
    );
  }

  /** Lets every agent come back and handle what is left, and holds it against all that was published. */
  async finish(): Promise<void> {
    for (const agent of this.#agents) if (!agent.isOnline) this.#connect(agent);
    for (let round = 0; round < 100; round += 1) {
      await settled();
      this.#collectReceipts();
      for (const agent of this.#agents) {
        agent.take();
        agent.handleAll();
      }
      this.#runtime?.advance(10);
    }
    const all = this.#readLog();
    for (const agent of this.#agents) agent.compare(all);
    for (const agent of this.#agents) this.#leave(agent);
    assert.deepEqual(this.#presence.toSorted(), this.#expectedPresence.toSorted());
    this.#checkBus();
    await this.#log.close();
    assert.equal(this.#runtime?.pendingTimers(), 0, "a timer is left");
  }

  async #do(step: Step): Promise<void> {
    switch (step.kind) {
      case "publish": {
        this.#published += 1;
        const topic = topics[step.topic % topics.length] as string;
        this.#agent(step.agent).publish({ id: String(this.#published), topic, sentMs: this.#now });
        if (step.wait) await settled();
        return;
      }
      case "publish-again": {
        const agent = this.#agent(step.agent);
        const known = [...this.#receipted.values()].filter(
          ({ id, sentMs }) => agent.hasPublished(id) && this.#now - sentMs < repeatWithinMs,
        );
        const again = known[step.pick % Math.max(1, known.length)];
        if (again !== undefined) agent.publish(again);
        return;
      }
      case "connect":
        this.#connect(this.#agent(step.agent));
        return;
      case "leave":
        this.#leave(this.#agent(step.agent));
        return;
      case "take":
        await settled();
        this.#agent(step.agent).take();
        return;
      case "late":
        this.#agent(step.agent).actLate();
        return;
      case "settle":
      case "acknowledge":
        this.#agent(step.agent)[step.kind](step.pick);
        return;
      case "retry":
        this.#agent(step.agent).retry(step.pick, step.delayMs);
        return;
      case "advance":
        this.#advance(step.ms, step.silent);
        return;
      case "drain":
        await this.#drain();
        return;
      case "crash":
        await this.#restart();
    }
  }

  #connect(agent: ModelAgent): void {
    for (const { id } of agent.giveUp(this.#now - repeatWithinMs)) this.#abandoned.add(id);
    const older = agent.session;
    const session = agent.connect(this.#sessions);
    assert.ok(session.epoch > this.#lastEpoch, "an epoch does not grow");
    this.#lastEpoch = session.epoch;
    assert.equal(this.#sessions.get(agent.id), session);
    if (older !== undefined) assert.equal(older.ended?.error?.code, "aborted");
    this.#expectedPresence.push(`${agent.id} online ${session.epoch}`);
  }

  #leave(agent: ModelAgent): void {
    if (agent.session === undefined) return;
    this.#expectedPresence.push(`${agent.id} offline ${agent.session.epoch}`);
    agent.session.end(undefined);
    agent.lose();
  }

  /** Who is not silent says that it lives; who is, for three intervals, is gone. */
  #advance(ms: number, silent: number): void {
    this.#collectReceipts();
    for (const [index, agent] of this.#agents.entries()) if ((silent & (1 << index)) === 0) agent.heard();
    const due = this.#agents
      .filter((agent) => agent.isOnline)
      .map((agent) => ({ agent, session: agent.session, silentMs: agent.silentMs(this.#now) + ms }))
      .filter(({ silentMs }) => silentMs >= 3 * heartbeatIntervalMs);
    this.#runtime?.advance(ms);
    for (const { agent, session } of due) {
      assert.equal(session?.ended?.error?.code, "unavailable", "a silent session lives on");
      this.#expectedPresence.push(`${agent.id} offline ${session.epoch}`);
      agent.lose();
    }
  }

  async #drain(): Promise<void> {
    this.#sessions.drain("a test", 1000);
    assert.throws(() => this.#sessions.open({ ...agentless, agentId: "late" }, anyone), { code: "unavailable" });
    for (const { session } of this.#agents) {
      if (session === undefined) continue;
      assert.ok(session.takeControl().some(({ kind }) => kind === "drain"));
    }
    const live = this.#sessions.list();
    for (const { agentId, epoch } of live) this.#expectedPresence.push(`${agentId} offline ${epoch}`);
    this.#sessions.close("a test");
    for (const session of live) assert.equal(session.ended?.error?.code, "unavailable");
    assert.deepEqual(this.#presence.toSorted(), this.#expectedPresence.toSorted());
    this.#checkBus();
    await settled();
    await this.#restart();
  }

  async #restart(): Promise<void> {
    this.#presence.length = 0;
    this.#expectedPresence.length = 0;
    await this.start();
  }

  #collectReceipts(): void {
    for (const agent of this.#agents) {
      for (const publish of agent.takeReceipts()) this.#receipted.set(publish.id, publish);
    }
  }

  /** Everything that was published, in order: what was receipted is there, once; what was given up may be. */
  #readLog(): Publish[] {
    const { events, atEnd } = this.#log.read([["**"]], { afterOffset: 0 }, 1e6, 1e9);
    assert.ok(atEnd);
    const ids = new Set(events.map(({ id }) => id));
    for (const id of this.#receipted.keys()) assert.ok(ids.has(id), `${id} was receipted and is not kept`);
    const once = events.filter(({ id }) => !this.#abandoned.has(id));
    assert.equal(new Set(once.map(({ id }) => id)).size, once.length, "an event is kept twice");
    for (const { id } of once) assert.ok(this.#receipted.has(id), `${id} is kept and was not receipted`);
    return events.map(({ id, topic, offset }) => ({ id, topic, offset, sentMs: 0 }));
  }

  #checkBus(): void {
    const { activeSubscriptions, backlog } = this.#bus.report().total;
    assert.deepEqual([activeSubscriptions, backlog], [0, 0], "something is left on the bus");
  }

  #agent(index: number): ModelAgent {
    return this.#agents[index % this.#agents.length] as ModelAgent;
  }

  get #now(): number {
    return this.#runtime?.now() ?? 0;
  }
}

const agentless = { topics: [], subscriptions: [], tools: [], metadata: {} };
