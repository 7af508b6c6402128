export interface InboxItem {
  /** Handles the event to its end; a promise only where that is later. Never throws or rejects. */
  handle(): Promise<void> | undefined;
  /** Whether it is not to be handled any more. */
  isDropped(): boolean;
}

/**
 * Events that wait for their handlers, in order, so many at a time. The windows of the subscriptions bound how many
 * there can be.
 */
export class Inbox {
  readonly #concurrency: number;
  readonly #onIdle: () => void;
  #waiting: InboxItem[] = [];
  #head = 0;
  #running = 0;
  #paused = false;

  constructor(concurrency: number, onIdle: () => void) {
    this.#concurrency = concurrency;
    this.#onIdle = onIdle;
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length - this.#head;
  }

  push(item: InboxItem): void {
    if (this.#paused || this.#running === this.#concurrency) {
      this.#waiting.push(item);
      return;
    }
    this.#running += 1;
    this.#work(item);
  }

  /** Starts no handler any more. What waits stays unacknowledged. */
  pause(): void {
    this.#paused = true;
  }

  /** Forgets what is not to be handled any more. */
  discardDropped(): void {
    this.#waiting = this.#waiting.slice(this.#head).filter((item) => !item.isDropped());
    this.#head = 0;
  }

  #work(first: InboxItem | undefined): void {
    for (let item = first; item !== undefined; item = this.#next()) {
      const handling = item.handle();
      if (handling === undefined) continue;
      void handling.then(() => this.#work(this.#next()));
      return;
    }
    this.#running -= 1;
    this.#onIdle();
  }

  #next(): InboxItem | undefined {
    if (this.#paused) return undefined;
    const item = this.#waiting[this.#head];
    if (item === undefined) return undefined;
    this.#head += 1;
    if (this.#head === this.#waiting.length || this.#head === 1024) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
