/** Publishes are encoded side by side: a buffer for each costs more than to write it, and neighbours are copied as one. */
const slabBytes = 16_384;

/** Where publishes are encoded, one behind the other. */
export class PublishSlab {
  /** What to write into next, and from where, as `reserve` has left them. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  #slab = this.bytes;
  #used = 0;

  /** Makes room for a publish, before it is known how many of these bytes it takes. One that is large lies by itself. */
  reserve(mostBytes: number): void {
    if (2 * mostBytes > slabBytes) {
      this.bytes = Buffer.allocUnsafeSlow(mostBytes);
      this.start = 0;
      return;
    }
    if (this.#used + mostBytes > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes);
      this.#used = 0;
    }
    this.bytes = this.#slab;
    this.start = this.#used;
  }

  /** What was written up to there stays as it is from now on. */
  keep(end: number): void {
    if (this.bytes === this.#slab) this.#used = end;
  }
}

/** All publishes of a process share one, for most agents publish too little to fill their own. */
export const publishSlab: PublishSlab = new PublishSlab();
