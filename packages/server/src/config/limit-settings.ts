import type { z } from "zod";
import { type ListenerLimits, resolveListenerLimits } from "../listener/listener-limits.ts";
import { defaultOverloadLimits, type OverloadLimits } from "../overload.ts";
import { about } from "./about.ts";
import { durationMs, networks, whole } from "./setting-types.ts";

type Limits = ListenerLimits & OverloadLimits;

/** The limits that keep peers in bounds, under the keys of the configuration file. */
export type LimitConfig = { readonly [Name in keyof Limits as `limits.${Name}`]: number } & {
  readonly "limits.trustedPeers": readonly string[];
};

const { memoryBytes, maxLoopDelayMs } = defaultOverloadLimits;
const defaults = resolveListenerLimits();
const most = 2_147_483_647;

const count = (name: keyof ListenerLimits, flag: string, description: string, least = 1): z.ZodType<number> =>
  whole(name.startsWith("max") ? 1_000_000 : most, defaults[name], least).register(about, {
    flag,
    placeholder: "count",
    description,
  });
const bytes = (name: keyof ListenerLimits, flag: string, description: string, least = 1): z.ZodType<number> =>
  whole(most, defaults[name], least).register(about, { flag, placeholder: "bytes", description });
const ms = (name: keyof ListenerLimits, flag: string, description: string, least = 1): z.ZodType<number> =>
  durationMs(defaults[name], least).register(about, { flag, placeholder: "ms", description });

/** The schemas of {@link LimitConfig}. */
export const limitSettings: { readonly [Key in keyof LimitConfig]: z.ZodType<LimitConfig[Key]> } = {
  "limits.maxConnections": count(
    "maxConnections",
    "--max-connections",
    "Open connections. One more is closed at once.",
  ),
  "limits.maxConnectionsPerIp": count(
    "maxConnectionsPerIp",
    "--max-connections-per-ip",
    "Open connections of one IPv4 address or IPv6 /64 that limits.trustedPeers has not. One more is closed at once.",
  ),
  "limits.trustedPeers": networks(["127.0.0.0/8", "::1"]).register(about, {
    flag: "--trusted-peers",
    placeholder: "networks",
    description: "Addresses and networks whose connections are not counted by address: your proxies, and this machine.",
  }),
  "limits.maxConnectionsPerPrincipal": count(
    "maxConnectionsPerPrincipal",
    "--max-connections-per-principal",
    "Open connections on which one principal makes calls. Calls on one more are refused.",
  ),
  "limits.maxConcurrentStreams": count(
    "maxConcurrentStreams",
    "--max-concurrent-streams",
    "Calls and streams at a time on one HTTP/2 connection. One more is refused.",
  ),
  "limits.cancelledCallsPerSec": count(
    "cancelledCallsPerSec",
    "--cancelled-calls-per-sec",
    "Calls that one connection may cancel in a second, on average; ten times as many at once. Then it is closed.",
  ),
  "limits.badRequestsPerSec": count(
    "badRequestsPerSec",
    "--bad-requests-per-sec",
    "Requests no client of a bridge makes that one connection may send in a second; ten times as many at once. Then it is closed.",
  ),
  "limits.maxHeaderBytes": bytes("maxHeaderBytes", "--max-header-bytes", "The headers of one request."),
  "limits.readMaxBytes": bytes("readMaxBytes", "--read-max-bytes", "The largest message taken, also unpacked."),
  "limits.writeMaxBytes": bytes("writeMaxBytes", "--write-max-bytes", "The largest message sent."),
  "limits.maxCompressionRatio": count(
    "maxCompressionRatio",
    "--max-compression-ratio",
    "How many times its size a compressed message may unpack to, beyond 64 KiB.",
  ),
  "limits.compressMinBytes": bytes(
    "compressMinBytes",
    "--compress-min-bytes",
    "Answers from this size on are compressed.",
  ),
  "limits.streamMessagesPerSec": count(
    "streamMessagesPerSec",
    "--stream-messages-per-sec",
    "Messages of one call in a second. Beyond, the bridge reads no faster. 0: no limit.",
    0,
  ),
  "limits.streamBytesPerSec": bytes(
    "streamBytesPerSec",
    "--stream-bytes-per-sec",
    "Bytes of one call in a second. Beyond, the bridge reads no faster. 0: no limit.",
    0,
  ),
  "limits.streamWindowBytes": bytes(
    "streamWindowBytes",
    "--stream-window-bytes",
    "What a client may send on one stream before it is read.",
  ),
  "limits.connectionWindowBytes": bytes(
    "connectionWindowBytes",
    "--connection-window-bytes",
    "What a client may send on one connection before it is read.",
  ),
  "limits.sessionMemoryMib": count(
    "sessionMemoryMib",
    "--session-memory-mib",
    "What is kept for one HTTP/2 connection before it has new streams refused, in MiB.",
  ),
  "limits.firstRequestTimeoutMs": ms(
    "firstRequestTimeoutMs",
    "--first-request-timeout-ms",
    "What a new connection has until its first request, TLS included.",
  ),
  "limits.requestTimeoutMs": ms(
    "requestTimeoutMs",
    "--request-timeout-ms",
    "What a request has to arrive, body included. What a client streams is not bound by it.",
  ),
  "limits.idleConnectionTimeoutMs": ms(
    "idleConnectionTimeoutMs",
    "--idle-connection-timeout-ms",
    "How long a connection may be without a call or stream before it is closed.",
  ),
  "limits.maxTimeoutMs": whole(most, defaults.maxTimeoutMs).register(about, {
    flag: "--max-timeout-ms",
    placeholder: "ms",
    description: "The longest deadline of a call. A longer one is shortened to it.",
  }),
  "limits.writeStallTimeoutMs": ms(
    "writeStallTimeoutMs",
    "--write-stall-timeout-ms",
    "How long a call may wait for a client that takes hardly anything. Then it is ended.",
  ),
  "limits.maxConnectionAgeMs": ms(
    "maxConnectionAgeMs",
    "--max-connection-age-ms",
    "How old a connection gets, a tenth more or less, before its client is told to open another. 0: as old as it likes.",
    0,
  ),
  "limits.connectionAgeGraceMs": ms(
    "connectionAgeGraceMs",
    "--connection-age-grace-ms",
    "What calls have to finish on a connection that reached its age.",
  ),
  "limits.memoryBytes": whole(1_099_511_627_776, memoryBytes, 0).register(about, {
    flag: "--memory-bytes",
    placeholder: "bytes",
    description:
      "The memory of the process. At 70 % calls are refused, at 85 % the longest queue goes, at 95 % connections are refused. 0: what the container or machine has.",
  }),
  "limits.maxLoopDelayMs": durationMs(maxLoopDelayMs).register(about, {
    flag: "--max-loop-delay-ms",
    placeholder: "ms",
    description: "How late the bridge may be for two seconds on end before it refuses calls.",
  }),
};

/** The limits of a configuration, by their names in code. */
export function limitsOf(config: LimitConfig): Limits {
  const names = Object.keys({ ...defaults, ...defaultOverloadLimits }) as (keyof Limits)[];
  return Object.fromEntries(names.map((name) => [name, config[`limits.${name}`]])) as unknown as Limits;
}
