import { type LoggedEvent, sizeOf } from "./bus-event.ts";
import type { Queued } from "./queued.ts";

/** A queue that holds one event for each topic and key, in the order in which the newest of each came. */
export class LatestQueue {
  readonly #items = new Map<string, Queued>();
  readonly #maxItems: number;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(options: { readonly maxItems: number; readonly maxBytes: number }) {
    this.#maxItems = options.maxItems;
    this.#maxBytes = options.maxBytes;
  }

  get length(): number {
    return this.#items.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  values(): IterableIterator<Queued> {
    return this.#items.values();
  }

  hasRoom(bytes: number): boolean {
    return this.length === 0 || (this.length < this.#maxItems && this.#bytes + bytes <= this.#maxBytes);
  }

  /** Removes the event that this one is a newer value of. */
  replace(event: LoggedEvent): Queued | undefined {
    return this.#remove(keyOf(event));
  }

  offer(item: Queued, bytes: number): void {
    this.#items.set(keyOf(item.event), item);
    this.#bytes += bytes;
  }

  take(maxItems: number = Number.POSITIVE_INFINITY, maxBytes: number = Number.POSITIVE_INFINITY): Queued[] {
    const taken: Queued[] = [];
    let bytes = 0;
    for (const [key, item] of this.#items) {
      bytes += sizeOf(item.event);
      if (taken.length === maxItems || (taken.length > 0 && bytes > maxBytes)) break;
      this.#remove(key);
      taken.push(item);
    }
    return taken;
  }

  #remove(key: string): Queued | undefined {
    const item = this.#items.get(key);
    if (item === undefined) return undefined;
    this.#items.delete(key);
    this.#bytes -= sizeOf(item.event);
    return item;
  }
}

function keyOf({ topic, key }: LoggedEvent): string {
  return `${topic} ${key}`;
}
