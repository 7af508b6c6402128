import { Ring } from "../../domain/ring.ts";

/** What is known of events in the order of their offsets: added at the end, removed at the front, found by offset. */
export class EntryRun {
  readonly #ring = new Ring((places) => ({
    offsets: new Float64Array(places),
    publishedMs: new Float64Array(places),
    bytes: new Uint32Array(places),
  }));

  get length(): number {
    return this.#ring.length;
  }

  offsetAt(index: number): number {
    return this.#ring.columns.offsets[this.#ring.placeOf(index)] as number;
  }

  publishedMsAt(index: number): number {
    return this.#ring.columns.publishedMs[this.#ring.placeOf(index)] as number;
  }

  bytesAt(index: number): number {
    return this.#ring.columns.bytes[this.#ring.placeOf(index)] as number;
  }

  push(offset: number, publishedMs: number, bytes: number): void {
    const place = this.#ring.push();
    const { columns } = this.#ring;
    columns.offsets[place] = offset;
    columns.publishedMs[place] = publishedMs;
    columns.bytes[place] = bytes;
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
