/** What a full queue does with one more item. */
export type Overflow = "refuse" | "drop-oldest";

/** How much a queue holds, and what gives way when it is full. */
export interface BoundedQueueOptions {
  /** The most items it holds, at least 1. */
  maxItems: number;
  /** The most bytes it holds, at least 1. An item larger than this is taken only when the queue is empty. */
  maxBytes: number;
  /** Default: `refuse`, so that nothing is lost without the caller's knowledge. */
  overflow?: Overflow;
}

/**
 * A first-in, first-out queue with one reader, bounded in items and bytes. It knows no time and no promises: whoever
 * waits on either side is called back, so that a million items cost no promise each.
 */
export class BoundedQueue<Item> {
  readonly #maxItems: number;
  readonly #maxBytes: number;
  readonly #overflow: Overflow;
  #items: (Item | undefined)[] = [];
  #sizes: number[] = [];
  #head = 0;
  #bytes = 0;

  constructor(options: BoundedQueueOptions) {
    this.#maxItems = options.maxItems;
    this.#maxBytes = options.maxBytes;
    this.#overflow = options.overflow ?? "refuse";
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether an item of this size would be taken without dropping another. */
  hasRoom(bytes: number): boolean {
    return this.length === 0 || (this.length < this.#maxItems && this.#bytes + bytes <= this.#maxBytes);
  }

  /** Adds an item. Returns how many older items made room for it, or -1 when it was refused and nothing changed. */
  offer(item: Item, bytes: number): number {
    let dropped = 0;
    while (!this.hasRoom(bytes)) {
      if (this.#overflow === "refuse") return -1;
      this.#shift();
      dropped += 1;
    }
    this.#items.push(item);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    return dropped;
  }

  /** Puts another item of the same size in the place of the newest. */
  replaceNewest(item: Item): void {
    if (this.length > 0) this.#items[this.#items.length - 1] = item;
  }

  /** Removes and returns the oldest item. */
  shift(): Item | undefined {
    return this.length === 0 ? undefined : this.#shift();
  }

  /** Removes and returns the oldest items, at most `maxItems` and, after the first, at most `maxBytes` in all. */
  take(maxItems: number = Number.POSITIVE_INFINITY, maxBytes: number = Number.POSITIVE_INFINITY): Item[] {
    if (this.length === 0) return [];
    if (this.length <= maxItems && this.#bytes <= maxBytes) return this.#takeAll();
    const taken: Item[] = [];
    let bytes = 0;
    while (taken.length < maxItems && this.length > 0) {
      bytes += this.#sizes[this.#head] ?? 0;
      if (taken.length > 0 && bytes > maxBytes) break;
      taken.push(this.#shift());
    }
    return taken;
  }

  /** The items, oldest first. They stay where they are; nothing may be offered or taken meanwhile. */
  *values(): IterableIterator<Item> {
    for (let place = this.#head; place < this.#items.length; place += 1) yield this.#items[place] as Item;
  }

  #takeAll(): Item[] {
    const taken = (this.#head === 0 ? this.#items : this.#items.slice(this.#head)) as Item[];
    this.#items = [];
    this.#sizes = [];
    this.#head = 0;
    this.#bytes = 0;
    return taken;
  }

  #shift(): Item {
    const item = this.#items[this.#head] as Item;
    this.#bytes -= this.#sizes[this.#head] ?? 0;
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head >= 64 && this.#head * 2 >= this.#items.length) {
      // Compacting at half keeps a shift cheap on average and the arrays within twice the bound.
      this.#items = this.#items.slice(this.#head);
      this.#sizes = this.#sizes.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
