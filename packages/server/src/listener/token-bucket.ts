export interface TokenBucketOptions {
  /** What comes in each second. */
  readonly perSecond: number;
  /** What there is at first, and at most. */
  readonly burst: number;
}

/** A budget that refills. What is spent beyond it is owed. https://en.wikipedia.org/wiki/Token_bucket */
export class TokenBucket {
  readonly #options: TokenBucketOptions;
  #left: number;
  #at: number;

  /** @param nowMs a clock that never goes back, as in `spend` */
  constructor(options: TokenBucketOptions, nowMs: number) {
    this.#options = options;
    this.#left = options.burst;
    this.#at = nowMs;
  }

  /** Spends some; returns how many milliseconds it takes until nothing is owed, 0 when nothing is. */
  spend(amount: number, nowMs: number): number {
    const { perSecond, burst } = this.#options;
    this.#left = Math.min(burst, this.#left + ((nowMs - this.#at) * perSecond) / 1000) - amount;
    this.#at = nowMs;
    return this.#left >= 0 ? 0 : Math.ceil((-this.#left * 1000) / perSecond);
  }
}
