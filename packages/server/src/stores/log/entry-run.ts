import { Ring } from "../../domain/ring.ts";

/** Where the numbers of an event lie in its row. */
const entry = { offset: 0, publishedMs: 1, bytes: 2 } as const;
const width = 3;

/** What is known of events in the order of their offsets: added at the end, removed at the front, found by offset. */
export class EntryRun {
  readonly #ring = new Ring((places) => ({
    entries: new Float64Array(width * places),
  }));

  get length(): number {
    return this.#ring.length;
  }

  offsetAt(index: number): number {
    return this.#read(index, entry.offset);
  }

  publishedMsAt(index: number): number {
    return this.#read(index, entry.publishedMs);
  }

  bytesAt(index: number): number {
    return this.#read(index, entry.bytes);
  }

  push(offset: number, publishedMs: number, bytes: number): void {
    const row = width * this.#ring.push();
    const { entries } = this.#ring.columns;
    entries[row + entry.offset] = offset;
    entries[row + entry.publishedMs] = publishedMs;
    entries[row + entry.bytes] = bytes;
  }

  #read(index: number, field: number): number {
    return this.#ring.columns.entries[width * this.#ring.placeOf(index) + field] as number;
  }

  shift(): void {
    this.#ring.shift();
  }

  /** The index of the first entry after an offset. */
  indexAfter(offset: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.offsetAt(middle) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
