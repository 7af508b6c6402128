import { BoundedQueue, LoomError, outboundQueueMessages } from "@loom-bridge/protocol";

const maxQueuedBytes = 8 * 1_048_576;
const maxWaiting = 16_384;
const maxWaitingBytes = 8 * maxQueuedBytes;

interface Waiter<Item> {
  readonly item: Item;
  readonly bytes: number;
  admit(): void;
  refuse(reason: LoomError): void;
}

/**
 * What waits to be sent, in order: 2048 items and 8 MiB. Who brings more waits for room, also in order, and the
 * number of those who wait is bounded too.
 */
export class SendQueue<Item> {
  readonly #queue = new BoundedQueue<Item>({ maxItems: outboundQueueMessages, maxBytes: maxQueuedBytes });
  readonly #waiters = new BoundedQueue<Waiter<Item>>({ maxItems: maxWaiting, maxBytes: maxWaitingBytes });
  /** The first of the waiters, once it was found to need more room than there is. */
  #first: Waiter<Item> | undefined;
  #onItem = (): void => {};

  /** Items in the queue and items whose senders wait. */
  get length(): number {
    return this.#queue.length + this.#waiters.length + (this.#first === undefined ? 0 : 1);
  }

  /** Has `callback` called whenever the queue has something new. There is one reader. */
  listen(callback: () => void): void {
    this.#onItem = callback;
  }

  /** Takes an item where it would not have to wait; returns whether it did. */
  offer(item: Item, bytes: number): boolean {
    if (this.#first !== undefined || this.#waiters.length > 0 || this.#queue.offer(item, bytes) === -1) return false;
    this.#onItem();
    return true;
  }

  /**
   * Resolves when the queue has taken the item.
   * @throws LoomError `resource_exhausted` when too many wait already, or the reason given to `clear`.
   */
  send(item: Item, bytes: number): Promise<void> {
    if (this.offer(item, bytes)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiter: Waiter<Item> = { item, bytes, admit: resolve, refuse: reject };
      if (this.#waiters.offer(waiter, bytes) !== -1) return;
      const message =
        `the outbound queue is full and ${this.#waiters.length} messages wait for it already (at most ${maxWaiting}, ` +
        `${maxWaitingBytes} bytes); await each post or publish before the next`;
      reject(new LoomError("resource_exhausted", message, { details: { limit: "outbound queue" } }));
    });
  }

  /** Takes the oldest item, and lets in those who wait. */
  shift(): Item | undefined {
    const item = this.#queue.shift();
    this.#admit();
    return item;
  }

  /** Takes the oldest items, at most so many and so many bytes, and lets in those who wait. */
  take(maxItems: number, maxBytes?: number): Item[] {
    const taken = this.#queue.take(maxItems, maxBytes);
    this.#admit();
    return taken;
  }

  /** Empties the queue: those who wait are refused with `reason`, and what had been taken is returned. */
  clear(reason: LoomError): Item[] {
    const waiters = this.#first === undefined ? this.#waiters.take() : [this.#first, ...this.#waiters.take()];
    this.#first = undefined;
    for (const waiter of waiters) waiter.refuse(reason);
    return this.#queue.take();
  }

  #admit(): void {
    for (;;) {
      this.#first ??= this.#waiters.shift();
      if (this.#first === undefined || this.#queue.offer(this.#first.item, this.#first.bytes) === -1) return;
      this.#first.admit();
      this.#first = undefined;
    }
  }
}
