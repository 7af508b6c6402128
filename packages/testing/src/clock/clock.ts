import type { Duration } from "./duration.ts";

/** How long something is waited for, and what it is called when it does not come. */
export interface WaitOptions {
  /** The longest time to wait, on the bridge's clock. Default: 1 h of virtual time, 10 s of real time. */
  readonly within?: Duration;
  /** What is waited for, in the words of the error when it does not come. */
  readonly what?: string;
}

/** How long {@link Clock.settle} waits for work that the clock cannot see. */
export interface SettleOptions {
  /** The longest time to wait for tracked work, in milliseconds of real time. Default: 30 000: a busy machine is slow. */
  readonly realTimeoutMs?: number;
}

/** The time of one test bridge and its agents. Other bridges, and the process, have times of their own. */
export interface Clock {
  readonly kind: "virtual" | "real";
  /** Milliseconds since the Unix epoch, as bridge and agents see them. */
  now(): number;
  /** Milliseconds since the test bridge was made. */
  elapsedMs(): number;
  /**
   * Lets time pass: every timer on the way fires, in order, and what follows from it is done before the next. In real
   * time it waits.
   */
  advance(duration: Duration): Promise<void>;
  /**
   * Lets time pass until a moment: a Date, ISO text, or milliseconds since the Unix epoch.
   * @throws LoomError `invalid_argument` for a moment in the past: time does not go back.
   */
  advanceTo(moment: Date | string | number): Promise<void>;
  /**
   * Lets time pass until the next timer, of whomever, and what follows from it is done.
   * @throws WorldError when no timer is set. LoomError `failed_precondition` in real time, which cannot be looked into.
   */
  next(): Promise<void>;
  /**
   * Takes along timers that are not of this world, such as those that a test runner stands in for: calls `tick` with
   * each step of `every`, default 100 ms, while time passes. Ends with the bridge, or when disposed of.
   *
   *     bridge.clock.drive((ms) => context.mock.timers.tick(ms));
   *
   * @throws LoomError `failed_precondition` in real time, which passes for them too.
   */
  drive(tick: (elapsedMs: number) => unknown, every?: Duration): Disposable;
  /** Lets time pass until something is true. It is asked whenever nothing is left to do at a moment. */
  runUntil(isTrue: () => boolean, options?: WaitOptions): Promise<void>;
  /** Lets time pass until a promise settles, and settles as it does. */
  run<T>(promise: PromiseLike<T>, options?: WaitOptions): Promise<T>;
  /**
   * Resolves when nothing is left to do before time passes: no message under way, no task, no tracked work. In real
   * time, when nothing has crossed a link for 20 ms.
   * @throws WorldError that lists what still runs.
   */
  settle(options?: SettleOptions): Promise<void>;
  /** Makes time wait for work that it cannot see, such as the reading of a file. Returns the promise. */
  track<T>(promise: Promise<T>, label: string): Promise<T>;
}
