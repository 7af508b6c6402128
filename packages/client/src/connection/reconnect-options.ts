/** How an agent comes back after its stream was lost. */
export interface ReconnectOptions {
  /**
   * The longest the first wait can be, in milliseconds. Each further one may be twice as long; how long it is, chance
   * decides, so that many agents do not come back at once. Default: 500.
   */
  firstDelayMs?: number;
  /** The longest any wait can be, in milliseconds. Default: 10 000. */
  maxDelayMs?: number;
  /**
   * How long a session must have stood for the waits to begin anew, in milliseconds. Default: 10 000, so that a bridge
   * that accepts and hangs up is not asked again and again.
   */
  stableAfterMs?: number;
}

export const defaultReconnect: Required<ReconnectOptions> = {
  firstDelayMs: 500,
  maxDelayMs: 10_000,
  stableAfterMs: 10_000,
};
