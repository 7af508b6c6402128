import { LoomError, maxTimerDelayMs } from "@loom-bridge/protocol";
import { type BusLimits, defaultBusLimits } from "./domain/bus/bus-limits.ts";
import { defaultSessionLimits, type SessionLimits } from "./domain/session/session-settings.ts";
import { defaultToolLimits, type ToolLimits } from "./domain/tools/tool-limits.ts";

/** What agents, events and tools may take of a bridge. Every number is a whole one, at least 1. */
export interface BridgeLimits extends SessionLimits, BusLimits, ToolLimits {
  /**
   * Streams without a session of one principal (subscriptions, and watching agents), unless its own limits say
   * otherwise. Default: 100, as for agents.
   */
  readonly streamsPerPrincipal: number;
  /** Log lines of one message about one peer in a second; ten times as many about all. Default: 10. */
  readonly logLinesPerPeer: number;
}

export const defaultBridgeLimits: BridgeLimits = {
  ...defaultSessionLimits,
  ...defaultBusLimits,
  ...defaultToolLimits,
  streamsPerPrincipal: 100,
  logLinesPerPeer: 10,
};

/** Limits that clients know too, so that more than the default would mislead them. */
const greatest: Partial<BridgeLimits> = {
  eventBytes: defaultBusLimits.eventBytes,
  argumentsBytes: defaultToolLimits.argumentsBytes,
  outputBytes: defaultToolLimits.outputBytes,
  maxToolTimeoutMs: defaultToolLimits.maxToolTimeoutMs,
};

/** The most that a limit may be set to. */
export function greatestLimit(name: keyof BridgeLimits): number {
  return greatest[name] ?? maxTimerDelayMs;
}

/**
 * Fills in the defaults.
 * @throws LoomError `invalid_argument` that names the limit and its value.
 */
export function resolveBridgeLimits(given: Partial<BridgeLimits> = {}): BridgeLimits {
  const resolved = { ...defaultBridgeLimits, ...given };
  for (const [name, value] of Object.entries(resolved) as [keyof BridgeLimits, number][]) {
    const most = greatestLimit(name);
    if (Number.isInteger(value) && value >= 1 && value <= most) continue;
    const problem = `limits.${name} is ${value}; give a whole number from 1 to ${most}`;
    throw new LoomError("invalid_argument", problem, { details: { field: `limits.${name}` } });
  }
  return resolved;
}
