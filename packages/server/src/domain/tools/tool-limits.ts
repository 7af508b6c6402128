import { limits } from "@loom-bridge/protocol";

/** What tools and calls may take, as the operator sets it. */
export interface ToolLimits {
  /** Tools that one agent may provide. Default: 128. The bridge's own tools are not counted. */
  readonly toolsPerAgent: number;
  /** All schemas of one agent together, in bytes: reading them holds up everybody. Default: 512 KiB. */
  readonly schemaBytesPerAgent: number;
  /** Distinct schemas of all tools together, because compiled schemas are large. Default: 4096. */
  readonly maxSchemas: number;
  /** The arguments of a call, in bytes of JSON. Default, and the most that clients send: 256 KiB. */
  readonly argumentsBytes: number;
  /** The output of a call, in bytes of JSON. Default, and the most that agents send: 1 MiB. */
  readonly outputBytes: number;
  /** The longest time a call can have, in milliseconds; more is taken as that. Default, and the most: 600 000. */
  readonly maxToolTimeoutMs: number;
  /** Open calls that one agent may have as a provider. Default: 64, so that it is not buried. */
  readonly inFlightPerAgent: number;
  /** Open calls of one tool. Default: 256. */
  readonly inFlightPerTool: number;
  /** Open calls of the bridge. Default: 4096. */
  readonly inFlight: number;
  /** How long the outcome of a named call is kept, in milliseconds. Default: 120 000. */
  readonly repeatMs: number;
  /** Kept outcomes. Default: 10 000. */
  readonly repeatEntries: number;
  /** Kept outcomes, in bytes. Default: 32 MiB. */
  readonly repeatBytes: number;
}

export const defaultToolLimits: ToolLimits = {
  toolsPerAgent: limits.toolsPerAgent,
  schemaBytesPerAgent: 524_288,
  maxSchemas: 4096,
  argumentsBytes: limits.argumentsBytes,
  outputBytes: limits.outputBytes,
  maxToolTimeoutMs: limits.toolTimeoutMaxMs,
  inFlightPerAgent: 64,
  inFlightPerTool: 256,
  inFlight: 4096,
  repeatMs: 120_000,
  repeatEntries: 10_000,
  repeatBytes: 33_554_432,
};
