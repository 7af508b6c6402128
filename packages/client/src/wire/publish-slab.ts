/** How large slabs are at first and at most: an agent that publishes little must not hold much. */
const firstSlabBytes = 1024;
const maxSlabBytes = 65_536;
/** A publish that is larger lies by itself. */
const maxSmallBytes = 8192;

/**
 * Where an agent's publishes are encoded, side by side: a buffer for each costs more than to write it, and neighbours
 * are copied as one. A slab lives as long as something on it.
 */
export class PublishSlab {
  /** What to write into next, and from where, as `reserve` has left them. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  #slab = this.bytes;
  #used = 0;
  #nextBytes = firstSlabBytes;

  /** Makes room for a publish, before it is known how many of these bytes it takes. */
  reserve(mostBytes: number): void {
    if (mostBytes > maxSmallBytes) {
      this.bytes = Buffer.allocUnsafeSlow(mostBytes);
      this.start = 0;
      return;
    }
    if (this.#used + mostBytes > this.#slab.length) this.#addSlab(mostBytes);
    this.bytes = this.#slab;
    this.start = this.#used;
  }

  /** What was written up to there stays as it is from now on. */
  keep(end: number): void {
    if (this.bytes === this.#slab) this.#used = end;
  }

  #addSlab(leastBytes: number): void {
    this.#slab = Buffer.allocUnsafeSlow(Math.max(this.#nextBytes, leastBytes));
    this.#used = 0;
    this.#nextBytes = Math.min(2 * this.#slab.length, maxSlabBytes);
  }
}
