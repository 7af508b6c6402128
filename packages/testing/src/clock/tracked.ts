/** Work outside of the world's sight that time has to wait for. */
export class Tracked {
  readonly #labels = new Map<symbol, string>();
  #waiting: (() => void)[] = [];

  get size(): number {
    return this.#labels.size;
  }

  get labels(): string[] {
    return [...this.#labels.values()];
  }

  add<T>(promise: Promise<T>, label: string): Promise<T> {
    const key = Symbol(label);
    this.#labels.set(key, label);
    const end = (): void => {
      this.#labels.delete(key);
      for (const wake of this.#waiting.splice(0)) wake();
    };
    promise.then(end, end);
    return promise;
  }

  /** Resolves when one of them has ended. */
  changed(): Promise<void> {
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }
}
