/** How much a memory store keeps. Every store enforces it, whatever its driver. */
export interface MemoryCapacity {
  /** Sessions in all. A write that would begin one more is refused. Default: 100 000. */
  sessions: number;
  /** Plans of one session, all symbols together; the oldest makes room. Default: 10 000. */
  plansPerSession: number;
  /**
   * Executions of one session; the oldest makes room, and its plan counts as not executed from then on. Set it above
   * the number of plans that may still be asked for. Default: 10 000.
   */
  executionsPerSession: number;
  /** Attempts (records that do not say executed) of one session; the oldest makes room. Default: 10 000. */
  attemptsPerSession: number;
  /**
   * Claims of one session; one whose lease has ended makes room, and when there is none a claim is refused.
   * Default: 10 000.
   */
  claimsPerSession: number;
}

export const defaultMemoryCapacity: Readonly<MemoryCapacity> = {
  sessions: 100_000,
  plansPerSession: 10_000,
  executionsPerSession: 10_000,
  attemptsPerSession: 10_000,
  claimsPerSession: 10_000,
};
