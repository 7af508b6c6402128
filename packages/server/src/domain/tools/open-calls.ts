/** A call that a provider has open. */
export interface OpenCall {
  /** Where it is among the others. Theirs to write. */
  place: number;
  /** Called when the provider is removed. */
  lose(): void;
}

/** The calls that a provider has open. No `Set`, for one that loses entries all the time keeps the collector busy. */
export class OpenCalls {
  readonly #calls: OpenCall[] = [];

  get size(): number {
    return this.#calls.length;
  }

  add(call: OpenCall): void {
    call.place = this.#calls.push(call) - 1;
  }

  /** Removes a call that is there; the last one takes its place. */
  remove({ place }: OpenCall): void {
    const last = this.#calls.pop();
    if (last === undefined || last.place === place) return;
    this.#calls[place] = last;
    last.place = place;
  }

  loseAll(): void {
    for (const call of [...this.#calls]) call.lose();
  }
}
