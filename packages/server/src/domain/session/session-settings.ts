import { heartbeatIntervalMs, limits, outboundQueueMessages } from "@loom-bridge/protocol";

/** What one agent may have and leave waiting, as the operator sets it. */
export interface SessionLimits {
  /** Live sessions of one principal, unless its own limits say otherwise. Default: 100. */
  readonly agentsPerPrincipal: number;
  /** Subscriptions of one session. Default: 64. */
  readonly subscriptionsPerSession: number;
  /** Filters of one session, all subscriptions together. Default: 128. */
  readonly filtersPerSession: number;
  /**
   * Of these, those with a wildcard. Default: as many, for one costs hardly more than another; what such a filter may
   * hear is a matter of grants.
   */
  readonly wildcardsPerSession: number;
  /** Publishes that may be unanswered before the bridge stops reading. Default: 2048. */
  readonly publishWindow: number;
  /** Bytes of publishes that may wait before the bridge stops reading. Default: 8 MiB. */
  readonly publishBytes: number;
  /** Tool calls that an agent may have open as a caller. Default: 256. */
  readonly maxOpenCalls: number;
  /** Frames besides events that may wait for an agent that does not read. Default: 4096. */
  readonly maxControlFrames: number;
  /** Their bytes. Default: 16 MiB. */
  readonly maxControlBytes: number;
}

/** The bounds of one session. */
export interface SessionSettings extends SessionLimits {
  /** How often an agent says that it lives. Three intervals of silence end its session. */
  readonly heartbeatIntervalMs: number;
  /** Events and bytes that one subscription may send before the others have their turn. */
  readonly batchEvents: number;
  readonly batchBytes: number;
}

/** A client sends its Register at once. */
export const defaultRegisterTimeoutMs = 5000;

export const defaultSessionLimits: SessionLimits = {
  agentsPerPrincipal: 100,
  subscriptionsPerSession: limits.subscriptionsPerSession,
  filtersPerSession: limits.filtersPerSession,
  wildcardsPerSession: limits.filtersPerSession,
  publishWindow: outboundQueueMessages,
  publishBytes: 8_388_608,
  maxOpenCalls: 256,
  maxControlFrames: 4096,
  maxControlBytes: 16_777_216,
};

export const defaultSessionSettings: SessionSettings = {
  ...defaultSessionLimits,
  heartbeatIntervalMs,
  batchEvents: 256,
  batchBytes: 524_288,
};
