import { LoomError } from "@loom-bridge/protocol";
import type { Fail } from "../world-error.ts";
import type { Clock, SettleOptions, WaitOptions } from "./clock.ts";
import { type Duration, toMilliseconds } from "./duration.ts";
import type { Scheduler } from "./scheduler.ts";
import { Tracked } from "./tracked.ts";

export interface VirtualClockOptions {
  readonly scheduler: Scheduler;
  /** The Unix time at which the world began, in milliseconds. */
  readonly startMs: number;
  readonly fail: Fail;
}

interface Wait {
  readonly what: string;
  readonly deadlineMs: number;
  isDone(): boolean;
  resolve(): void;
  reject(error: unknown): void;
  /** Called at the deadline. */
  onDeadline(): void;
}

const defaultWithin: Duration = "1h";

// Kept from before any test may have replaced them.
const { setImmediate: nextTurn, setTimeout: afterRealTime, clearTimeout: cancelRealTime } = globalThis;

/** A clock that stands still until somebody waits for it; then it runs from timer to timer. */
export class VirtualClock implements Clock {
  readonly kind = "virtual";
  readonly #options: VirtualClockOptions;
  readonly #tracked = new Tracked();
  readonly #waits = new Set<Wait>();
  #driving = false;

  constructor(options: VirtualClockOptions) {
    this.#options = options;
  }

  /** What somebody waits for now, and the tracked work that runs. */
  get waits(): string[] {
    return [
      ...Array.from(this.#waits, ({ what }) => what),
      ...this.#tracked.labels.map((label) => `tracked: ${label}`),
    ];
  }

  now(): number {
    return this.#options.startMs + this.#options.scheduler.elapsedMs;
  }

  elapsedMs(): number {
    return this.#options.scheduler.elapsedMs;
  }

  advance(duration: Duration): Promise<void> {
    const deadlineMs = this.elapsedMs() + toMilliseconds(duration);
    return new Promise((resolve, reject) => {
      const what = `the clock to have advanced by ${duration}`;
      this.#add({ what, deadlineMs, isDone: () => false, resolve, reject, onDeadline: resolve });
    });
  }

  async advanceTo(moment: Date | string | number): Promise<void> {
    const target = new Date(moment).getTime();
    const duration = target - this.now();
    if (duration >= 0) return this.advance(duration);
    const now = new Date(this.now()).toISOString();
    const message = `moment is ${JSON.stringify(moment)} and it is ${now}; give an ISO time or a Date that is not past`;
    throw new LoomError("invalid_argument", message, { details: { field: "moment" } });
  }

  async next(): Promise<void> {
    await this.settle();
    const { scheduler, fail } = this.#options;
    const dueMs = scheduler.nextDueMs();
    if (dueMs < Number.POSITIVE_INFINITY) return this.advance(dueMs - this.elapsedMs());
    throw fail("deadlock", "waited for the next timer, and none is set");
  }

  drive(tick: (elapsedMs: number) => unknown, every: Duration = 100): Disposable {
    const everyMs = toMilliseconds(every, "every");
    if (everyMs === 0) throw new LoomError("invalid_argument", "every is 0; time must pass between two steps");
    const { scheduler } = this.#options;
    const lane = scheduler.createLane("driven timers");
    const step = (): void => {
      timer = scheduler.setTimer(lane, step, everyMs);
      const ticked = tick(everyMs);
      if (ticked instanceof Promise) void this.track(ticked, "driven timers");
    };
    let timer = scheduler.setTimer(lane, step, everyMs);
    return { [Symbol.dispose]: () => timer.cancel() };
  }

  runUntil(isTrue: () => boolean, options: WaitOptions = {}): Promise<void> {
    const { within = defaultWithin, what = "something to become true" } = options;
    const withinMs = toMilliseconds(within, "within");
    return new Promise((resolve, reject) => {
      const onDeadline = (): void => {
        reject(this.#options.fail("timeout", `waited ${within} of virtual time for ${what}, and it did not come`));
      };
      this.#add({ what, deadlineMs: this.elapsedMs() + withinMs, isDone: isTrue, resolve, reject, onDeadline });
    });
  }

  async run<T>(promise: PromiseLike<T>, options: WaitOptions = {}): Promise<T> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    await this.runUntil(() => isSettled, { what: "a promise to settle", ...options });
    return promise;
  }

  async settle({ realTimeoutMs = 30_000 }: SettleOptions = {}): Promise<void> {
    let isLate = false;
    let giveUp: (() => void) | undefined;
    const timer = afterRealTime(() => {
      isLate = true;
      giveUp?.();
    }, realTimeoutMs);
    const late = new Promise<void>((resolve) => {
      giveUp = resolve;
    });
    try {
      await Promise.race([this.#quiet(() => isLate), late]);
    } finally {
      cancelRealTime(timer);
    }
    if (!isLate) return;
    const { scheduler, fail } = this.#options;
    const running = [...this.#tracked.labels.map((label) => `tracked: ${label}`), ...scheduler.readyLanes()];
    throw fail("timeout", `not settled after ${realTimeoutMs} ms of real time; still running: ${running.join(", ")}`);
  }

  track<T>(promise: Promise<T>, label: string): Promise<T> {
    return this.#tracked.add(promise, label);
  }

  #add(wait: Wait): void {
    this.#waits.add(wait);
    if (!this.#driving) void this.#drive();
  }

  async #drive(): Promise<void> {
    const { scheduler, fail } = this.#options;
    this.#driving = true;
    try {
      while (this.#waits.size > 0) {
        await this.#quiet(() => false);
        if (this.#serve()) continue;
        const wanted = Array.from(this.#waits, ({ deadlineMs }) => deadlineMs);
        const dueMs = scheduler.nextDueMs();
        // Nobody's deadline makes something happen: without a timer, nothing ever will.
        const stuck = [...this.#waits].filter(({ onDeadline, resolve }) => onDeadline !== resolve);
        if (dueMs === Number.POSITIVE_INFINITY && stuck.length === this.#waits.size) {
          this.#reject(stuck, (what) => fail("deadlock", `waited for ${what}, but nothing can happen any more`));
        } else {
          scheduler.stepTo(Math.min(dueMs, ...wanted));
        }
      }
    } catch (error) {
      this.#reject([...this.#waits], () => error);
    } finally {
      this.#driving = false;
    }
  }

  /** Ends the waits that are over; returns whether there were any. */
  #serve(): boolean {
    const nowMs = this.elapsedMs();
    let served = false;
    for (const wait of this.#waits) {
      const isDone = wait.isDone();
      if (!isDone && wait.deadlineMs > nowMs) continue;
      this.#waits.delete(wait);
      served = true;
      if (isDone) wait.resolve();
      else wait.onDeadline();
    }
    return served;
  }

  #reject(waits: readonly Wait[], reason: (what: string) => unknown): void {
    for (const wait of waits) {
      wait.reject(reason(wait.what));
      this.#waits.delete(wait);
    }
  }

  /**
   * Resolves when all that can be done at this moment is done. One turn of the event loop runs every promise that can
   * go on, so that a turn after which no task is ready leaves nothing.
   */
  async #quiet(isOver: () => boolean): Promise<void> {
    const { scheduler, fail } = this.#options;
    while (!isOver()) {
      await new Promise<void>((resolve) => void nextTurn(resolve));
      if (scheduler.isLooping) {
        const busy = scheduler.breakLoop().join(", ");
        throw fail("livelock", `a million tasks ran and time did not pass; who kept going: ${busy}`);
      }
      if (scheduler.ready > 0) continue;
      if (this.#tracked.size === 0) return;
      await this.#tracked.changed();
    }
  }
}
