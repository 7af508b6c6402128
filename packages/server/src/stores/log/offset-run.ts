/** Entries in the order of their offsets: added at the end, removed at the front, found by offset. */
export class OffsetRun<Entry extends { readonly offset: number }> {
  #entries: Entry[] = [];
  #head = 0;

  get length(): number {
    return this.#entries.length - this.#head;
  }

  get first(): Entry | undefined {
    return this.#entries[this.#head];
  }

  get last(): Entry | undefined {
    return this.length === 0 ? undefined : this.#entries.at(-1);
  }

  at(index: number): Entry | undefined {
    return this.#entries[this.#head + index];
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
  }

  shift(): void {
    this.#head += 1;
    // Compacting at half keeps a shift cheap on average and the array within twice its content.
    if (this.#head < 64 || this.#head * 2 < this.#entries.length) {
      (this.#entries as (Entry | undefined)[])[this.#head - 1] = undefined;
      return;
    }
    this.#entries = this.#entries.slice(this.#head);
    this.#head = 0;
  }

  keep(isWanted: (entry: Entry) => boolean): void {
    this.#entries = this.#entries.slice(this.#head).filter(isWanted);
    this.#head = 0;
  }

  /** The index of the first entry after an offset. */
  indexAfter(offset: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.at(middle)?.offset ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
