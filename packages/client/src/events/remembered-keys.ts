import { NumberMap } from "@loom-bridge/protocol";

/** Which of many keys were added last, for at most so many. */
export class RememberedKeys {
  readonly #most: number;
  readonly #known = new NumberMap<true>();
  /** In the order of their coming, and then over the oldest. */
  #keys: number[] = [];
  #oldest = 0;

  constructor(most: number) {
    this.#most = most;
  }

  has(key: number): boolean {
    return this.#known.has(key);
  }

  add(key: number): void {
    if (this.#known.has(key)) return;
    this.#known.set(key, true);
    if (this.#keys.length < this.#most) {
      this.#keys.push(key);
      return;
    }
    this.#known.take(this.#keys[this.#oldest] as number);
    this.#keys[this.#oldest] = key;
    this.#oldest = (this.#oldest + 1) % this.#most;
  }

  /** Forgets all but some. */
  keep(isKept: (key: number) => boolean): void {
    const kept = [...this.#keys.slice(this.#oldest), ...this.#keys.slice(0, this.#oldest)].filter(isKept);
    this.#known.clear();
    this.#keys = [];
    this.#oldest = 0;
    for (const key of kept) this.add(key);
  }
}
