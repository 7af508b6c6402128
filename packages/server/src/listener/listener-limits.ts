import { LoomError, limits, maxTimerDelayMs } from "@loom-bridge/protocol";

/** What one peer may ask of a listener. Every number is a whole one, at least 1. */
export interface ListenerLimits {
  /**
   * The largest message taken, in bytes, also after decompression. Refused with `resource_exhausted` as soon as its
   * length is known. Default: 4 MiB, as in other gRPC libraries.
   */
  readMaxBytes: number;
  /** The largest message sent, in bytes. Default: 4 MiB, because clients refuse more. */
  writeMaxBytes: number;
  /** Responses smaller than this are not compressed, in bytes. Default: 16 KiB; below, it costs more than it saves. */
  compressMinBytes: number;
  /**
   * The longest deadline a call can have, in milliseconds. A longer one is shortened to it. Default: about 24.8 days,
   * the longest timer there is; it cannot be more.
   */
  maxTimeoutMs: number;
  /** Open connections; one more is closed at once. Default: 10 000. */
  maxConnections: number;
  /** Calls at a time on one HTTP/2 connection; one more gets REFUSED_STREAM. Default: 1000. */
  maxConcurrentStreams: number;
  /** The headers of one request, in bytes. Default: 16 KiB. */
  maxHeaderBytes: number;
  /**
   * What a new connection has from its first byte to its first request, TLS included, in milliseconds. Default: 5 s,
   * so that silent peers cannot use up the connections.
   */
  firstRequestTimeoutMs: number;
  /** What an HTTP/1.1 request has to arrive, body included, in milliseconds. Default: 60 s. No response is bound by it. */
  http1RequestTimeoutMs: number;
  /** How long a connection may be without a call, in milliseconds; then it is closed politely. Default: 5 min. */
  idleConnectionTimeoutMs: number;
  /** What a peer may send on one stream before the handler reads, in bytes. Default: 1 MiB; 64 KiB starves far peers. */
  streamWindowBytes: number;
  /** What a peer may send on one connection before the handlers read, in bytes. Default: 4 MiB. */
  connectionWindowBytes: number;
  /** What Node keeps for one HTTP/2 connection before it refuses new streams, in MiB. Default: 64. */
  sessionMemoryMib: number;
}

const defaults: ListenerLimits = {
  readMaxBytes: limits.messageBytes,
  writeMaxBytes: limits.messageBytes,
  compressMinBytes: 16_384,
  maxTimeoutMs: maxTimerDelayMs,
  maxConnections: 10_000,
  maxConcurrentStreams: 1000,
  maxHeaderBytes: 16_384,
  firstRequestTimeoutMs: 5000,
  http1RequestTimeoutMs: 60_000,
  idleConnectionTimeoutMs: 300_000,
  streamWindowBytes: 1_048_576,
  connectionWindowBytes: 4_194_304,
  sessionMemoryMib: 64,
};

/**
 * Fills in the defaults.
 * @throws LoomError `invalid_argument` that names the limit and its value.
 */
export function resolveListenerLimits(given: Partial<ListenerLimits> = {}): ListenerLimits {
  const resolved = { ...defaults, ...given };
  for (const [name, value] of Object.entries(resolved)) {
    // Timers, HTTP/2 windows and message lengths all end here.
    if (!Number.isInteger(value) || value < 1 || value > maxTimerDelayMs) {
      throw new LoomError("invalid_argument", `limits.${name} is ${value}; give a whole number from 1 to 2147483647`, {
        details: { field: `limits.${name}` },
      });
    }
  }
  return resolved;
}
