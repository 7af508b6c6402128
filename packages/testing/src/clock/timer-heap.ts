/** A timer of a world. */
export interface HeapTimer {
  readonly dueMs: number;
  /** Breaks ties: of two timers that are due together, the one that was set first fires first. */
  readonly order: number;
}

/** Gives the timer that is due next, in time that grows with the logarithm of their number. */
export class TimerHeap<T extends HeapTimer> {
  readonly #timers: T[] = [];

  peek(): T | undefined {
    return this.#timers[0];
  }

  push(timer: T): void {
    const timers = this.#timers;
    let at = timers.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = timers[parent] as T;
      if (!isBefore(timer, above)) break;
      timers[at] = above;
      at = parent;
    }
    timers[at] = timer;
  }

  pop(): T | undefined {
    const timers = this.#timers;
    const first = timers[0];
    const last = timers.pop();
    if (last === undefined || timers.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= timers.length) break;
      if (child + 1 < timers.length && isBefore(timers[child + 1] as T, timers[child] as T)) child += 1;
      if (!isBefore(timers[child] as T, last)) break;
      timers[at] = timers[child] as T;
      at = child;
    }
    timers[at] = last;
    return first;
  }
}

function isBefore(a: HeapTimer, b: HeapTimer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
