/** What was written, what of it the bridge acknowledged, and how often each came to its handler. */
export class Ledger {
  readonly #handled = new Map<string, number>();
  readonly #acknowledged = new Set<string>();
  #written = 0;
  #watchers: (() => void)[] = [];

  get written(): number {
    return this.#written;
  }

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  get handled(): number {
    return this.#handled.size;
  }

  /** The name of the next event to write. */
  write(): string {
    this.#written += 1;
    return `e${this.#written}`;
  }

  acknowledge(name: string): void {
    this.#acknowledged.add(name);
  }

  handle(name: string): void {
    this.#handled.set(name, (this.#handled.get(name) ?? 0) + 1);
    for (const watcher of this.#watchers.splice(0)) watcher();
  }

  /** Acknowledged and not handled. */
  get lost(): string[] {
    return [...this.#acknowledged].filter((name) => !this.#handled.has(name));
  }

  /** Handled more than once. */
  get doubled(): string[] {
    return [...this.#handled].filter(([, times]) => times > 1).map(([name]) => name);
  }

  /** Resolves when everything that was acknowledged has been handled. */
  async complete(): Promise<void> {
    while (this.lost.length > 0) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }
}
