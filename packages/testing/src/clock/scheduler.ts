import { maxTimerDelayMs, type Timer } from "@loom-bridge/protocol";
import { TimerHeap } from "./timer-heap.ts";

/** Who has work: a process of the world, such as the bridge or an agent's client, or one direction of a call. */
export interface Lane {
  readonly name: string;
  /** Timers that are set. */
  timers: number;
  /** Its process has died: what it had to do is never done. */
  dead: boolean;
}

interface Task {
  readonly lane: Lane;
  readonly run: () => void;
}

interface LaneTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly lane: Lane;
  readonly callback: () => void;
  isSet: boolean;
}

/**
 * Chooses which of the lanes that are ready goes first: an index below `lanes.length`, which is at least two. The one
 * at 0 has waited longest.
 */
export type Chooser = (lanes: readonly Lane[]) => number;

// Kept from before any test may have replaced them.
const { setImmediate: nextTurn } = globalThis;

/** So many tasks without time passing are a loop: a world of a thousand agents needs far fewer. */
const maxTasksAtOnce = 1_000_000;
const suspects = 1000;

/**
 * The one place where a world's work comes from. Tasks run one at a time, with everything that they resolve, in order
 * of their arrival or as the chooser says; a lane's own order is always kept. Time moves only when told.
 */
export class Scheduler {
  readonly #ready: Task[] = [];
  #head = 0;
  readonly #timers = new TimerHeap<LaneTimer>();
  readonly #choose: Chooser | undefined;
  #elapsedMs = 0;
  #order = 0;
  #sinceStep = 0;
  #ran = 0;
  /** Whose the last tasks were, when there are suspiciously many. */
  #last: Lane[] = [];
  #stopped = false;

  /** Default: first come, first served. */
  constructor(choose?: Chooser) {
    this.#choose = choose;
  }

  /** Milliseconds since the world began. */
  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** Tasks that wait to run. */
  get ready(): number {
    return this.#ready.length - this.#head;
  }

  /** Tasks that ran so far. */
  get ran(): number {
    return this.#ran;
  }

  /** Whether the order of lanes is chosen, so that work should come in small pieces. */
  get isChosen(): boolean {
    return this.#choose !== undefined;
  }

  /** Whether more was done than any world has to do before time passes. */
  get isLooping(): boolean {
    return this.#sinceStep > maxTasksAtOnce;
  }

  /** The names of the lanes that are ready, busiest first, with the number of their tasks. */
  readyLanes(): string[] {
    return busiest(this.#ready.slice(this.#head)).map(([{ name }, count]) => `${name} (${count})`);
  }

  /** Ends the lane that ran most of the last tasks of a loop, and returns the names of all that took part. */
  breakLoop(): string[] {
    const lanes = busiest(this.#last.map((lane) => ({ lane })));
    for (const [lane] of lanes.slice(0, 1)) lane.dead = true;
    this.#sinceStep = 0;
    return lanes.map(([{ name }]) => name);
  }

  createLane(name: string): Lane {
    return { name, timers: 0, dead: false };
  }

  post(lane: Lane, run: () => void): void {
    if (this.#stopped || lane.dead) return;
    this.#ready.push({ lane, run });
    nextTurn(this.#runOne);
  }

  setTimer(lane: Lane, callback: () => void, delayMs: number): Timer {
    const dueMs = this.#elapsedMs + Math.min(Math.max(delayMs, 0), maxTimerDelayMs);
    this.#order += 1;
    const timer: LaneTimer = { dueMs, order: this.#order, lane, callback, isSet: true };
    this.#timers.push(timer);
    lane.timers += 1;
    return { cancel: () => unset(timer) };
  }

  /** When the next timer is due; infinity when none is set. */
  nextDueMs(): number {
    for (let timer = this.#timers.peek(); timer !== undefined; timer = this.#timers.peek()) {
      if (timer.isSet && !timer.lane.dead) return timer.dueMs;
      this.#timers.pop();
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Moves time to `elapsedMs`, not beyond the next timer, and makes the timers that are due ready. */
  stepTo(elapsedMs: number): void {
    this.#elapsedMs = Math.max(this.#elapsedMs, elapsedMs);
    this.#sinceStep = 0;
    this.#last = [];
    while (this.nextDueMs() <= this.#elapsedMs) {
      const timer = this.#timers.pop() as LaneTimer;
      this.post(timer.lane, () => {
        if (!timer.isSet) return;
        unset(timer);
        timer.callback();
      });
    }
  }

  /** Runs nothing any more. */
  stop(): void {
    this.#stopped = true;
    this.#ready.length = 0;
    this.#head = 0;
  }

  readonly #runOne = (): void => {
    const task = this.#take();
    if (task === undefined || task.lane.dead) return;
    this.#sinceStep += 1;
    this.#ran += 1;
    if (this.#sinceStep > maxTasksAtOnce - suspects) this.#last.push(task.lane);
    task.run();
  };

  #take(): Task | undefined {
    if (this.ready === 0) return undefined;
    if (this.#choose !== undefined && this.ready > 1) return this.#takeChosen(this.#choose);
    const task = this.#ready[this.#head];
    this.#head += 1;
    if (this.#head > 1024 || this.#head === this.#ready.length) {
      this.#ready.splice(0, this.#head);
      this.#head = 0;
    }
    return task;
  }

  #takeChosen(choose: Chooser): Task | undefined {
    const places = new Map<Lane, number>();
    for (let at = this.#head; at < this.#ready.length; at += 1) {
      const { lane } = this.#ready[at] as Task;
      if (!places.has(lane)) places.set(lane, at);
    }
    const lanes = [...places.keys()];
    const chosen = lanes.length === 1 ? 0 : choose(lanes);
    const [task] = this.#ready.splice([...places.values()][chosen] ?? this.#head, 1);
    return task;
  }
}

function busiest(tasks: readonly Pick<Task, "lane">[]): [Lane, number][] {
  const counts = new Map<Lane, number>();
  for (const { lane } of tasks) counts.set(lane, (counts.get(lane) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

function unset(timer: LaneTimer): void {
  if (timer.isSet) timer.lane.timers -= 1;
  timer.isSet = false;
}
