/** Something that agents do while their bridge is killed under them, and what of it was acknowledged. */
export interface Work {
  readonly what: string;
  /** How many answers came so far. */
  readonly acknowledged: number;
  /** Ends when all that was begun has its answer. */
  stop(): Promise<void>;
  /** Holds what the bridge knows against what it had acknowledged. Call after `stop`. */
  verify(): Promise<void>;
}

/** A test has no time to be polite. */
export const reconnect = { firstDelayMs: 50, maxDelayMs: 100, stableAfterMs: 50 };
