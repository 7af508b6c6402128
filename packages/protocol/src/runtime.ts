import { performance } from "node:perf_hooks";
import { createUuid } from "./uuid.ts";

/** A timer that has been set and can be taken back. */
export interface Timer {
  /** Takes the timer back. Harmless when it has fired or was cancelled before. */
  cancel(): void;
}

/**
 * Everything that client and server take from the world besides bytes: time, timers, randomness and ids.
 * Both use nothing else for these, so that a test can put a whole bridge and its agents on a clock of its own.
 */
export interface Runtime {
  /** Milliseconds since the Unix epoch. May jump; use it only for time stamps that leave the process. */
  now(): number;
  /** Milliseconds since an arbitrary start. Never goes back; use it for every duration and deadline. */
  monotonic(): number;
  /**
   * Calls `callback` once, `delayMs` milliseconds from now. Delays beyond {@link maxTimerDelayMs} are taken as that,
   * because Node fires a longer timer at once. A timer alone does not keep the process alive.
   */
  setTimer(callback: () => void, delayMs: number): Timer;
  /** Calls `callback` after the work that is ready now, before timers. Used to gather what one tick produces. */
  defer(callback: () => void): void;
  /** A number from 0 up to, not including, 1. Not for secrets. */
  random(): number;
  /** A new random UUID. */
  uuid(): string;
}

/** The longest delay that a timer can have, in milliseconds: about 24.8 days. */
export const maxTimerDelayMs: number = 2 ** 31 - 1;

/** The real clock, timers and randomness of this process. */
export const systemRuntime: Runtime = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(callback, delayMs) {
    const handle = setTimeout(callback, Math.min(Math.max(delayMs, 0), maxTimerDelayMs));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
  defer: (callback) => void setImmediate(callback),
  random: () => Math.random(),
  uuid: createUuid,
};
