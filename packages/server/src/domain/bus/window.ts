/** Counts the events that were taken and not acknowledged, in runs of consecutive sequence numbers. */
export class Window {
  readonly #runs: { first: number; count: number }[] = [];
  #inFlight = 0;

  get inFlight(): number {
    return this.#inFlight;
  }

  sent(firstSequence: number, count: number): void {
    this.#runs.push({ first: firstSequence, count });
    this.#inFlight += count;
  }

  /** The subscriber is done with everything up to this sequence number. */
  acknowledge(sequence: number): void {
    for (let run = this.#runs[0]; run !== undefined && run.first <= sequence; run = this.#runs[0]) {
      const done = Math.min(run.count, sequence - run.first + 1);
      this.#inFlight -= done;
      run.first += done;
      run.count -= done;
      if (run.count > 0) break;
      this.#runs.shift();
    }
  }
}
