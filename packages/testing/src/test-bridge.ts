import type { Transport } from "@connectrpc/connect";
import { Agent, type AgentOptions, BridgeClient, type BridgeClientOptions } from "@loom-bridge/client";
import { LoomError } from "@loom-bridge/protocol";
import { type Bridge, createPrincipal, type Principal } from "@loom-bridge/server";
import { AbortListeners } from "./abort-listeners.ts";
import { BridgeHost } from "./bridge-host.ts";
import type { Clock, SettleOptions, WaitOptions } from "./clock/clock.ts";
import type { Faults } from "./faults/faults.ts";
import { findHeldByBridge, findLeftOver, findUnfaked } from "./find-leftovers.ts";
import type { LinkState } from "./network/network.ts";
import type { TopicPayloads } from "./probes/match.ts";
import { createProbe, createProbeInbox, type Probe } from "./probes/probe.ts";
import { describeEvent } from "./probes/probe-event.ts";
import { disposeOf } from "./report-leak.ts";
import { type BridgeSnapshot, takeSnapshot } from "./snapshot.ts";
import type { RestartOptions, TestBridgeOptions } from "./test-bridge-options.ts";
import type { Timeline } from "./timeline/timeline.ts";
import { FakeToolBox, type FakeTools } from "./tools/fake-tools.ts";
import { createWorld } from "./world.ts";

/** Whose link it is. */
interface Identity {
  /** Whom the test vouches for on this link, without credentials. Default: nobody; the bridge asks, if it does. */
  readonly principal?: Principal;
}

type ClientOptions = Omit<BridgeClientOptions, "transport" | "address"> &
  Identity & {
    /** The name of its link, for faults and the timeline. Default: `client-1` and so on. */
    readonly link?: string;
  };

/** What asks a bridge for its own account must see everything, whatever the bridge's rules are. */
const theTest = createPrincipal({
  subject: "the test",
  grants: { agents: { see: ["*"] }, tools: { call: ["*"] }, topics: { subscribe: ["**"] }, admin: ["*"] },
});

/** A bridge in this process with a network and a time of its own, for one test. `await using` closes all of it. */
export interface TestBridge<Topics extends TopicPayloads = TopicPayloads> extends AsyncDisposable {
  /** The bridge that answers now. */
  readonly bridge: Bridge;
  readonly seed: number;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly tools: FakeTools;
  /** Everything that crossed the links, and what else happened. Prints as text. */
  readonly timeline: Timeline;

  /** Lets time pass until a promise settles: `clock.run`. What a probe does needs none. */
  run<T>(promise: PromiseLike<T>, options?: WaitOptions): Promise<T>;
  /** Resolves when nothing is left to do at this moment: `clock.settle`. */
  settle(options?: SettleOptions): Promise<void>;

  /** An agent that is connected to the bridge, over a link of its name. Stopped with the bridge. */
  agent(options: Omit<AgentOptions, "client"> & Identity): Promise<Agent>;
  /** An agent of the test, which keeps what it receives until the test asks. */
  probe(id: string, options?: Omit<AgentOptions, "id" | "client" | "onEvent"> & Identity): Promise<Probe<Topics>>;
  /** A client of the bridge. Closed with the bridge. */
  client(options?: ClientOptions): BridgeClient;
  /** A way to the bridge, for a client that the test makes itself. Default name of its link: `transport`. */
  transport(link?: string, identity?: Identity): Transport;

  /** What is under way on a link: what was sent and not received. */
  link(name: string): LinkState;
  /** Breaks the connections of a link, or of all: both sides lose what is under way and are told nothing. */
  cut(link?: string): void;
  /** Lets the bridge die under its agents. Nobody answers until `start()`. */
  crash(options?: { readonly keepStore?: boolean }): Promise<void>;
  /** Starts a bridge in the place of one that crashed, with the same options and those given here. */
  start(options?: RestartOptions): void;
  /** `crash()` and `start()`. Without `keepStore`, or stores of its own, the new bridge remembers nothing. */
  restart(options?: RestartOptions): Promise<void>;

  /** The bridge's own account of itself, in the schema of its admin calls. */
  snapshot(): Promise<BridgeSnapshot>;
  /**
   * Asks the bridge for its account of itself, once nothing is left to do at this moment, and checks that it adds up.
   * @throws WorldError that lists what contradicts itself: a defect of the bridge, not of the test.
   */
  invariants(): Promise<void>;
  /**
   * Counts the listeners of a signal that outlives what it is given to, such as that of a program's end: whoever still
   * listens when the bridge is closed is a leak. Returns the signal. Those of event handlers are counted anyway.
   */
  watchSignal(signal: AbortSignal, label: string): AbortSignal;
  /** Lets `close()` pass over what fits: a part of its line, or a pattern. */
  allowLeak(line: string | RegExp): void;
  /**
   * Stops the agents, closes the clients, then the bridge. Harmless when repeated.
   * @throws WorldError, if the bridge is strict and nothing else failed, that lists what was left.
   */
  close(): Promise<void>;
}

/** Starts the real bridge in a world of its own: in memory, in virtual time, strict. No port, no process, no waiting. */
export function testBridge<Topics extends TopicPayloads = TopicPayloads>(
  options: TestBridgeOptions = {},
): TestBridge<Topics> {
  const bridge = create({ clock: "virtual", strict: options.clock !== "real", ...options });
  // What the payloads are is the author's word; nothing here depends on it.
  return bridge as unknown as TestBridge<Topics>;
}

/** Starts the real bridge in memory and in the time of this process: `testBridge({ clock: "real" })`. */
export function createTestBridge(options: TestBridgeOptions = {}): TestBridge {
  return create({ clock: "real", strict: options.clock === "virtual", ...options });
}

function create(options: TestBridgeOptions): TestBridge {
  const { strict = false, onUnfaked = "error", undrained = "ignore" } = options;
  const world = createWorld(options, () => host.place);
  const { clock, network, timeline, fail } = world;
  let bridges = 0;
  const host: BridgeHost = new BridgeHost(options, () => {
    bridges += 1;
    return world.createProcess(bridges === 1 ? "bridge" : `bridge ${bridges}`);
  });
  const fakes = new FakeToolBox(
    world.createProcess("fake tools").runtime,
    () => host.place?.bridge,
    (problems) => fail("expectation", `the fake tools were not used as told:\n  ${problems.join("\n  ")}`),
  );
  const clients = new Set<BridgeClient>();
  const probes = new Set<Probe>();
  const listeners = new AbortListeners();
  const allowed: (string | RegExp)[] = [];
  let closing: Promise<void> | undefined;

  const createClient = ({
    link = `client-${clients.size + 1}`,
    principal,
    ...clientOptions
  }: ClientOptions = {}): BridgeClient => {
    const { runtime } = world.createProcess(link);
    const created = new BridgeClient({ runtime, ...clientOptions, transport: network.transport(link, principal) });
    clients.add(created);
    return created;
  };
  const startAgent = async ({
    principal,
    ...agentOptions
  }: Omit<AgentOptions, "client"> & Identity): Promise<Agent> => {
    const identity = principal === undefined ? {} : { principal };
    const { id, onEvent } = agentOptions;
    const watched = onEvent === undefined ? {} : { onEvent: listeners.watchHandler(id, onEvent) };
    const agent = new Agent({ ...agentOptions, ...watched, client: createClient({ link: id, ...identity }) });
    await clock.run(agent.start(), { what: `agent ${agent.id} to be connected` });
    return agent;
  };
  const crash = async (keepStore: boolean): Promise<void> => {
    timeline.note(`the bridge dies${keepStore ? " and its stores are kept" : ""}`);
    network.cut(undefined, "the bridge died");
    await clock.run(host.crash(keepStore), { what: "the bridge to die" });
  };
  const start = (changes: RestartOptions): void => {
    if (host.place !== undefined) {
      throw new LoomError("failed_precondition", "the bridge runs already; crash() it first, or use restart()");
    }
    host.start(changes);
    fakes.offerTo(bridge.bridge);
    timeline.note("a bridge starts");
  };
  const undrainedEvents = (): string[] =>
    [...probes].flatMap(({ id, unread }) =>
      unread.map((event) => `probe ${id} was not asked for ${describeEvent(event)}`),
    );

  const leave = async (): Promise<string[]> => {
    const listening = listeners.leftByHandlers();
    await clock.run(Promise.all([...clients].map((each) => each.disconnect())), {
      what: "agents and clients to leave",
    });
    const left = host.place === undefined ? [] : await findHeld();
    await clock.run(host.close(), { what: "the bridge to close" });
    if (clock.kind === "virtual") await clock.settle();
    return [...left, ...listening];
  };
  const close = async (): Promise<void> => {
    const { hasFailed: hadFailed } = world;
    const { due } = world.faults.faults;
    world.faults.faults.clear();
    try {
      const problems = [
        ...(await leave()),
        ...fakes.problems,
        ...due.map(({ name }) => `fault that hit nothing: ${name}; remove() it, or let what it is for happen`),
        ...(onUnfaked === "error" ? findUnfaked(world, fakes.names) : []),
        ...(undrained === "error" ? undrainedEvents() : []),
        ...findLeftOver(world),
        ...listeners.left(),
      ].filter((line) => !allowed.some((one) => (typeof one === "string" ? line.includes(one) : one.test(line))));
      if (!strict || world.hasFailed || problems.length === 0) return;
      throw fail("leak", `the bridge was closed, and this was left or never happened:\n  ${problems.join("\n  ")}`);
    } catch (error) {
      // A world that has failed may not be able to end well, and its first error is the one to read.
      if (!hadFailed) throw error;
    } finally {
      world.stop();
    }
  };
  const findHeld = async (): Promise<string[]> => {
    if (!strict || world.hasFailed) return [];
    const teardown = createClient({ link: "teardown", principal: theTest });
    const held = await findHeldByBridge(teardown, world);
    await clock.run(teardown.disconnect());
    return held;
  };

  const bridge: TestBridge = {
    get bridge() {
      if (host.place === undefined)
        throw new LoomError("failed_precondition", "the bridge has crashed; start() it first");
      return host.place.bridge;
    },
    seed: world.seed,
    clock,
    faults: world.faults.faults,
    tools: fakes,
    timeline,
    run: (promise, runOptions) => clock.run(promise, runOptions),
    settle: (settleOptions) => clock.settle(settleOptions),
    agent: startAgent,
    async probe(id, probeOptions) {
      const inbox = createProbeInbox(clock);
      const agent = await startAgent({ ...probeOptions, id, onEvent: inbox.onEvent });
      const probe = createProbe({ agent, inbox, clock, fail });
      probes.add(probe);
      return probe;
    },
    client: createClient,
    transport: (link = "transport", identity = {}) => network.transport(link, identity.principal),
    link: (name) => network.state(name),
    cut: (link) => network.cut(link),
    crash: ({ keepStore = false } = {}) => crash(keepStore),
    start: (changes = {}) => start(changes),
    async restart(changes = {}) {
      if (host.place !== undefined) await crash(changes.keepStore ?? false);
      start(changes);
    },
    async snapshot() {
      const client = createClient({ link: "snapshot", principal: theTest });
      const taken = await clock.run(takeSnapshot(client), { what: "the bridge's account of itself" });
      await clock.run(client.disconnect());
      clients.delete(client);
      return taken;
    },
    async invariants() {
      await clock.settle();
      const { contradictions } = await bridge.snapshot();
      if (contradictions.length === 0) return;
      throw fail("expectation", `the bridge contradicts itself:\n  ${contradictions.join("\n  ")}`);
    },
    watchSignal(signal, label) {
      listeners.watch(signal, label);
      return signal;
    },
    allowLeak: (line) => void allowed.push(line),
    close() {
      closing ??= close();
      return closing;
    },
    [Symbol.asyncDispose]() {
      return disposeOf(() => this.close());
    },
  };
  return bridge;
}
