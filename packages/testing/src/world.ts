import { type Runtime, systemRuntime } from "@loom-bridge/protocol";
import type { Clock } from "./clock/clock.ts";
import { createRealClock } from "./clock/real-clock.ts";
import { type Lane, Scheduler } from "./clock/scheduler.ts";
import { createSeededRandom } from "./clock/seeded-random.ts";
import { VirtualClock } from "./clock/virtual-clock.ts";
import { createVirtualRuntime } from "./clock/virtual-runtime.ts";
import { warnOfStandstill } from "./clock/warn-of-standstill.ts";
import { createFaults, type FaultNetwork } from "./faults/faults.ts";
import { Network } from "./network/network.ts";
import type { Place } from "./network/place.ts";
import { tellStory } from "./story.ts";
import { codecOf, seedOf, startOf, type TestBridgeOptions } from "./test-bridge-options.ts";
import { Timeline } from "./timeline/timeline.ts";
import { whoWaits } from "./timeline/who-waits.ts";
import { type Fail, WorldError } from "./world-error.ts";

/** What a test bridge is made of, the bridge itself aside. */
export interface World {
  readonly seed: number;
  readonly clock: Clock;
  readonly timeline: Timeline;
  readonly faults: FaultNetwork;
  readonly network: Network;
  readonly fail: Fail;
  /** Whether something failed already: what is left then is no news. */
  readonly hasFailed: boolean;
  /** A process of the world: its runtime, and how to end it. */
  createProcess(name: string): WorldProcess;
  /** Timers that are set, by whose they are. */
  timers(): string[];
  stop(): void;
}

export interface WorldProcess {
  readonly runtime: Runtime;
  /** It dies: its timers and tasks never run. In real time, nothing. */
  kill(): void;
}

export function createWorld(options: TestBridgeOptions, place: () => Place | undefined): World {
  const seed = seedOf(options);
  // Before anything is started that would have to be ended.
  const codec = codecOf(options);
  const time =
    options.clock === "virtual"
      ? createVirtualTime(options, seed, fail, () => currentWaits())
      : createRealTime(options, fail, activity);
  const { clock, createProcess } = time;
  const currentWaits = (): string[] => whoWaits(timeline.frames, network.openCalls);
  const timeline = new Timeline(() => clock.elapsedMs());
  const faults = createFaults({
    seed,
    note: (text) => timeline.note(text),
    onChange: () => network.arrange(),
    onHealed: (on) => network.heal(on),
  });
  const network = new Network({
    place,
    codec,
    futureFields: options.futureFields ?? false,
    windowBytes: options.windowBytes ?? 65_536,
    isStepwise: options.choose !== undefined,
    timeline,
    faults,
    createRuntime: (name) => createProcess(name).runtime,
    track: (promise, label) => clock.track(promise, label),
  });
  let hasFailed = false;

  function fail(...[kind, headline, errorOptions]: Parameters<Fail>): WorldError {
    hasFailed = true;
    const waits = [...time.waits(), ...currentWaits()];
    return new WorldError(kind, headline, tellStory({ seed, timeline, waits }), errorOptions);
  }

  function activity(): number {
    return timeline.count;
  }

  return {
    seed,
    clock,
    timeline,
    faults,
    network,
    fail,
    get hasFailed() {
      return hasFailed;
    },
    createProcess,
    timers: time.timers,
    stop: time.stop,
  };
}

interface Time {
  readonly clock: Clock;
  readonly createProcess: World["createProcess"];
  readonly waits: () => string[];
  readonly timers: () => string[];
  readonly stop: () => void;
}

function createVirtualTime(options: TestBridgeOptions, seed: number, fail: Fail, whoWaits: () => string[]): Time {
  const scheduler = new Scheduler(options.choose);
  const startMs = startOf(options);
  const clock = new VirtualClock({ scheduler, startMs, fail });
  const endWatch = warnOfStandstill(scheduler, () => clock.waits.length > 0, whoWaits);
  const lanes: Lane[] = [];
  const born = new Map<string, number>();
  return {
    clock,
    createProcess(name) {
      const lane = scheduler.createLane(name);
      lanes.push(lane);
      const birth = (born.get(name) ?? 0) + 1;
      born.set(name, birth);
      // An agent that comes back under its name must not make up the ids of its predecessor once more.
      const random = createSeededRandom(seed, birth === 1 ? name : `${name} ${birth}`);
      const kill = (): void => {
        lane.dead = true;
      };
      return { runtime: createVirtualRuntime({ scheduler, lane, startMs, random }), kill };
    },
    waits: () => clock.waits,
    timers: () =>
      lanes.filter(({ timers, dead }) => timers > 0 && !dead).map(({ name, timers }) => `${name}: ${timers}`),
    stop() {
      endWatch();
      scheduler.stop();
    },
  };
}

function createRealTime({ runtime = systemRuntime }: TestBridgeOptions, fail: Fail, activity: () => number): Time {
  // Like the socket of a bridge that listens, so that a process does not end while a test waits for the bridge.
  const alive = setInterval(() => {}, 2 ** 31 - 1);
  return {
    clock: createRealClock({ runtime, fail, activity }),
    createProcess: () => ({ runtime, kill: () => {} }),
    waits: () => [],
    timers: () => [],
    stop: () => clearInterval(alive),
  };
}
