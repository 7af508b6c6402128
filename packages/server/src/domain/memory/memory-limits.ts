import { limits } from "@loom-bridge/protocol";

/** What memory accepts in a request. */
export interface MemoryLimits {
  /** The longest window for duplicates, in seconds. Default: 2 592 000, which is 30 days. */
  windowSec: number;
  /** A symbol, action, status, method, plan hash or order id, in bytes. Default: 128. */
  nameBytes: number;
  /** The reasoning of a plan, in bytes. Default: 65 536. */
  reasoningBytes: number;
  /** The error message of an execution, in bytes. Default: 4096. */
  errorMessageBytes: number;
  /** Pairs in a plan's metadata. Default: 64. */
  metadataPairs: number;
  /** A metadata key, in bytes. Default: 64. */
  metadataKeyBytes: number;
  /** A metadata value, in bytes. Default: 4096. */
  metadataValueBytes: number;
}

export const defaultMemoryLimits: Readonly<MemoryLimits> = {
  windowSec: 2_592_000,
  nameBytes: limits.idBytes,
  reasoningBytes: 65_536,
  errorMessageBytes: 4096,
  metadataPairs: limits.metadataPairs,
  metadataKeyBytes: limits.metadataKeyBytes,
  metadataValueBytes: limits.metadataValueBytes,
};
