import { LoomError, limits, maxTimerDelayMs } from "@loom-bridge/protocol";

/** What one peer may ask of a listener. Every number is a whole one, at least 1 where 0 has no meaning of its own. */
export interface ListenerLimits {
  /**
   * The largest message taken, in bytes, also after decompression. Refused with `resource_exhausted` as soon as its
   * length is known. Default: 4 MiB, as in other gRPC libraries.
   */
  readMaxBytes: number;
  /** The largest message sent, in bytes. Default: 4 MiB, because clients refuse more. */
  writeMaxBytes: number;
  /**
   * How many times its size a compressed message may unpack to, beyond 64 KiB. Default: 100; JSON of events comes to
   * ten or twenty, a bomb to a thousand.
   */
  maxCompressionRatio: number;
  /** Responses smaller than this are not compressed, in bytes. Default: 16 KiB; below, it costs more than it saves. */
  compressMinBytes: number;
  /**
   * The longest deadline a call can have, in milliseconds. A longer one is shortened to it. Default: about 24.8 days,
   * the longest timer there is; it cannot be more.
   */
  maxTimeoutMs: number;
  /** Open connections; one more is closed at once. Default: 10 000. */
  maxConnections: number;
  /**
   * Open connections of one IPv4 address or one IPv6 /64; one more is closed at once. `trustedPeers` have no such
   * limit. Default: 256, an office behind one address.
   */
  maxConnectionsPerIp: number;
  /**
   * Open connections on which one principal makes calls; calls on one more are refused. Who is nobody has no such
   * limit. Default: 64.
   */
  maxConnectionsPerPrincipal: number;
  /** Calls at a time on one HTTP/2 connection; one more gets REFUSED_STREAM. Default: 1000, for gateways share one. */
  maxConcurrentStreams: number;
  /**
   * Calls that one connection may cancel in a second, on average; ten times as many at once. Then it is closed with
   * ENHANCE_YOUR_CALM: starting and cancelling calls is cheap for a client and dear for a bridge (CVE-2023-44487).
   * Default: 20.
   */
  cancelledCallsPerSec: number;
  /**
   * Requests that no client of a bridge makes (unknown paths, no host, too many headers) that one HTTP/2 connection may
   * send in a second, on average; ten times as many at once. Then it is closed with ENHANCE_YOUR_CALM. Default: 10.
   */
  badRequestsPerSec: number;
  /** The headers of one request, in bytes. Default: 16 KiB. */
  maxHeaderBytes: number;
  /**
   * What a new connection has from its first byte to its first request, TLS included, in milliseconds. Default: 5 s,
   * so that silent peers cannot use up the connections.
   */
  firstRequestTimeoutMs: number;
  /**
   * What a request has to arrive, body included, in milliseconds. Default: 60 s. Neither a response nor what a client
   * streams is bound by it.
   */
  requestTimeoutMs: number;
  /** How long a connection may be without a call, in milliseconds; then it is closed politely. Default: 60 s. */
  idleConnectionTimeoutMs: number;
  /**
   * How old a connection gets, in milliseconds, a tenth more or less so that not all end at once; then its client is
   * told to make no more calls on it (GOAWAY). 0: as old as it likes, the default: an agent's stream is its life.
   */
  maxConnectionAgeMs: number;
  /** What calls have to finish on a connection that reached its age, in milliseconds. Default: 30 s. */
  connectionAgeGraceMs: number;
  /**
   * How long a call may wait for a client that takes hardly anything, less than 16 KiB, in milliseconds; then it ends
   * with `resource_exhausted`. Default: 30 s, as for a subscriber that publishers wait for.
   */
  writeStallTimeoutMs: number;
  /** Messages of one call in a second; beyond, the bridge reads no faster. 0: no limit, the default. */
  streamMessagesPerSec: number;
  /** Bytes of one call in a second; beyond, the bridge reads no faster. 0: no limit, the default. */
  streamBytesPerSec: number;
  /** What a peer may send on one stream before the handler reads, in bytes. Default: 1 MiB; 64 KiB starves far peers. */
  streamWindowBytes: number;
  /** What a peer may send on one connection before the handlers read, in bytes. Default: 4 MiB. */
  connectionWindowBytes: number;
  /** What Node keeps for one HTTP/2 connection before it refuses new streams, in MiB. Default: 64. */
  sessionMemoryMib: number;
}

/** Limits of which 0 says that there is none. */
const mayBeZero: ReadonlySet<string> = new Set<keyof ListenerLimits>([
  "maxConnectionAgeMs",
  "streamMessagesPerSec",
  "streamBytesPerSec",
]);

const defaults: ListenerLimits = {
  readMaxBytes: limits.messageBytes,
  writeMaxBytes: limits.messageBytes,
  maxCompressionRatio: 100,
  compressMinBytes: 16_384,
  maxTimeoutMs: maxTimerDelayMs,
  maxConnections: 10_000,
  maxConnectionsPerIp: 256,
  maxConnectionsPerPrincipal: 64,
  maxConcurrentStreams: 1000,
  cancelledCallsPerSec: 20,
  badRequestsPerSec: 10,
  maxHeaderBytes: 16_384,
  firstRequestTimeoutMs: 5000,
  requestTimeoutMs: 60_000,
  idleConnectionTimeoutMs: 60_000,
  maxConnectionAgeMs: 0,
  connectionAgeGraceMs: 30_000,
  writeStallTimeoutMs: 30_000,
  streamMessagesPerSec: 0,
  streamBytesPerSec: 0,
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
    const least = mayBeZero.has(name) ? 0 : 1;
    if (!Number.isInteger(value) || value < least || value > maxTimerDelayMs) {
      throw new LoomError(
        "invalid_argument",
        `limits.${name} is ${value}; give a whole number from ${least} to 2147483647`,
        {
          details: { field: `limits.${name}` },
        },
      );
    }
  }
  return resolved;
}
