/** What was written, what of it the bridge acknowledged, and how often each came to its handler. A byte or two an event. */
export class Ledger {
  /** By number: how often it was handled, at most 255 times. */
  #handled = new Uint8Array(1024);
  #acknowledged = new Uint8Array(1024);
  #written = 0;
  #acknowledgedCount = 0;
  #handledCount = 0;
  /** Acknowledged and not handled. */
  #open = 0;
  #watchers: (() => void)[] = [];

  get written(): number {
    return this.#written;
  }

  get acknowledged(): number {
    return this.#acknowledgedCount;
  }

  /** Handled at least once. */
  get handled(): number {
    return this.#handledCount;
  }

  /** The name of the next event to write. */
  write(): string {
    this.#written += 1;
    if (this.#written === this.#handled.length) {
      this.#handled = grow(this.#handled);
      this.#acknowledged = grow(this.#acknowledged);
    }
    return String(this.#written);
  }

  acknowledge(name: string): void {
    const number = Number(name);
    this.#acknowledged[number] = 1;
    this.#acknowledgedCount += 1;
    if (this.#handled[number] === 0) this.#open += 1;
  }

  handle(name: string): void {
    const number = Number(name);
    const times = this.#handled[number] ?? 0;
    this.#handled[number] = Math.min(times + 1, 255);
    if (times > 0) return;
    this.#handledCount += 1;
    if (this.#acknowledged[number] === 1) this.#open -= 1;
    for (const watcher of this.#watchers.splice(0)) watcher();
  }

  /** Acknowledged and not handled. */
  get lost(): number[] {
    return this.#numbers((number) => this.#acknowledged[number] === 1 && this.#handled[number] === 0);
  }

  /** Handled more than once. */
  get doubled(): number[] {
    return this.#numbers((number) => (this.#handled[number] ?? 0) > 1);
  }

  /** Resolves when everything that was acknowledged has been handled. */
  async complete(): Promise<void> {
    while (this.#open > 0) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  #numbers(filter: (number: number) => boolean): number[] {
    return Array.from({ length: this.#written }, (_, index) => index + 1).filter(filter);
  }
}

function grow(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(bytes.length * 2);
  larger.set(bytes);
  return larger;
}
