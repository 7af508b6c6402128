import { heartbeatIntervalMs } from "@loom-bridge/protocol";
import { z } from "zod";
import { defaultJournalLimits } from "../domain/journal/journal.ts";
import { defaultRetentionLimits } from "../domain/log/retention-limits.ts";
import { defaultMemoryCapacity } from "../domain/memory/memory-capacity.ts";
import { defaultMemoryLimits } from "../domain/memory/memory-limits.ts";
import { defaultRegisterTimeoutMs } from "../domain/session/session-settings.ts";
import { defaultCallResultLimits } from "../domain/tools/call-result-store.ts";
import { defaultMemoryBytes } from "../stores/memory/in-memory-store.ts";
import { type About, about } from "./about.ts";
import { type AgentLimitConfig, agentLimitSettings } from "./agent-limit-settings.ts";
import { type AuthConfig, authSettings } from "./auth-settings.ts";
import { type LimitConfig, limitSettings } from "./limit-settings.ts";
import { address, durationMs, hosts, path, whole } from "./setting-types.ts";

/** Everything an operator can set, under the keys of the configuration file. */
export interface Config extends AuthConfig, LimitConfig, AgentLimitConfig {
  readonly address: string;
  readonly "tls.cert"?: string | undefined;
  readonly "tls.key"?: string | undefined;
  readonly "tls.clientCa"?: string | undefined;
  readonly "store.kind": "memory" | "sqlite";
  readonly "store.path": string;
  readonly "memory.sessions": number;
  readonly "memory.plansPerSession": number;
  readonly "memory.executionsPerSession": number;
  readonly "memory.attemptsPerSession": number;
  readonly "memory.claimsPerSession": number;
  readonly "memory.maxBytes": number;
  readonly "memory.maxWindowSec": number;
  readonly "tools.files.root"?: string | undefined;
  readonly "tools.files.write": boolean;
  readonly "tools.web.allow": readonly string[];
  readonly "tools.web.allowPrivate": readonly string[];
  readonly "session.heartbeatIntervalMs": number;
  readonly "session.registerTimeoutMs": number;
  readonly "session.stallTimeoutMs": number;
  readonly "events.kind": "memory" | "sqlite";
  readonly "events.path": string;
  readonly "events.perTopic": number;
  readonly "events.bytesPerTopic": number;
  readonly "events.totalBytes": number;
  readonly "events.topics": number;
  readonly "events.positions": number;
  readonly "events.maxAgeMs": number;
  readonly "results.maxEntries": number;
  readonly "results.maxBytes": number;
  readonly "results.keepMs": number;
  readonly "journal.enabled": boolean;
  readonly "journal.maxEntries": number;
  readonly "journal.maxBytes": number;
  readonly "journal.maxAgeMs": number;
  readonly "metrics.address"?: string | undefined;
  readonly "log.level": "debug" | "info" | "warn" | "error" | "silent";
  readonly "log.format": "text" | "json";
  readonly "shutdown.graceMs": number;
}

/** One setting, as the file, the environment, the command line and the documentation know it. */
export interface Setting {
  readonly key: keyof Config;
  /** With its dashes. */
  readonly flag: string;
  readonly env: string;
  readonly description: string;
  /** What stands for the value in help texts. */
  readonly placeholder: string;
  /** Whether the value names a file or folder. In a configuration file it is relative to that file. */
  readonly isPath: boolean;
  readonly schema: z.ZodType;
}

const shape = {
  address: z.string().superRefine(address).default("localhost:50051").register(about, {
    flag: "--address",
    env: "LOOM_BRIDGE_ADDR",
    placeholder: "host:port",
    description: "Where the bridge listens. Port 0 lets the system choose one.",
  }),
  "tls.cert": path().optional().register(about, {
    flag: "--tls-cert",
    placeholder: "file",
    isPath: true,
    description: "The bridge's certificate and those between it and its root, as PEM. Needs tls.key. Without: no TLS.",
  }),
  "tls.key": path().optional().register(about, {
    flag: "--tls-key",
    placeholder: "file",
    isPath: true,
    description: "The private key of tls.cert, as PEM without a passphrase.",
  }),
  "tls.clientCa": path().optional().register(about, {
    flag: "--tls-client-ca",
    placeholder: "file",
    isPath: true,
    description:
      "Certificates that a client's must be signed by, as PEM. Clients must show one, or may where --auth has other kinds too. Without: they need none.",
  }),
  ...authSettings,
  "store.kind": z.enum(["memory", "sqlite"]).default("memory").register(about, {
    flag: "--store",
    placeholder: "kind",
    description: "Where plans and executions are kept: gone with the process, or in an SQLite file.",
  }),
  "store.path": path().default("./loom-bridge.db").register(about, {
    flag: "--data",
    placeholder: "file",
    isPath: true,
    description: "The SQLite file. Made when it is not there; its folder must exist.",
  }),
  "memory.sessions": whole(100_000_000, defaultMemoryCapacity.sessions).register(about, {
    flag: "--memory-sessions",
    placeholder: "count",
    description: "Memory sessions in all. A write that would begin one more is refused.",
  }),
  "memory.plansPerSession": whole(100_000_000, defaultMemoryCapacity.plansPerSession).register(about, {
    flag: "--memory-plans",
    placeholder: "count",
    description: "Plans of one memory session. The oldest makes room.",
  }),
  "memory.executionsPerSession": whole(100_000_000, defaultMemoryCapacity.executionsPerSession).register(about, {
    flag: "--memory-executions",
    placeholder: "count",
    description: "Executions of one memory session. The oldest makes room, and its plan may be executed again.",
  }),
  "memory.attemptsPerSession": whole(100_000_000, defaultMemoryCapacity.attemptsPerSession).register(about, {
    flag: "--memory-attempts",
    placeholder: "count",
    description: "Failed or skipped attempts of one memory session. The oldest makes room.",
  }),
  "memory.claimsPerSession": whole(100_000_000, defaultMemoryCapacity.claimsPerSession).register(about, {
    flag: "--memory-claims",
    placeholder: "count",
    description:
      "Claims of one memory session. One whose lease has ended makes room; when none has, a claim is refused.",
  }),
  "memory.maxBytes": whole(1_099_511_627_776, defaultMemoryBytes).register(about, {
    flag: "--memory-max-bytes",
    placeholder: "bytes",
    description: "What plans and executions take in memory, with --store memory. A write beyond is refused.",
  }),
  "memory.maxWindowSec": whole(2_147_483_647, defaultMemoryLimits.windowSec).register(about, {
    flag: "--memory-max-window-sec",
    placeholder: "seconds",
    description: "The longest time window in which a caller may look for duplicates.",
  }),
  "tools.files.root": path().optional().register(about, {
    flag: "--files-root",
    placeholder: "folder",
    isPath: true,
    description: "Switches on fs:read_file and fs:list_dir, confined to this folder. Without: off.",
  }),
  "tools.files.write": z.boolean().default(false).register(about, {
    flag: "--files-write",
    placeholder: "boolean",
    description: "Switches on fs:write_file too. Needs tools.files.root.",
  }),
  "tools.web.allow": hosts().register(about, {
    flag: "--web-allow",
    placeholder: "hosts",
    description:
      "Switches on web:fetch for these hosts (example.com, *.example.com, example.com:8443), where their address is public. Without: off.",
  }),
  "tools.web.allowPrivate": hosts().register(about, {
    flag: "--web-allow-private",
    placeholder: "hosts",
    description: "Switches on web:fetch for these hosts whatever their address is: machines of your own.",
  }),
  "session.heartbeatIntervalMs": durationMs(heartbeatIntervalMs).register(about, {
    flag: "--heartbeat-interval-ms",
    placeholder: "ms",
    description: "How often agents should say that they live. Three silent intervals end a session.",
  }),
  "session.registerTimeoutMs": durationMs(defaultRegisterTimeoutMs).register(about, {
    flag: "--register-timeout-ms",
    placeholder: "ms",
    description: "How long a stream may be open before it says which agent it is. Then it is ended.",
  }),
  "session.stallTimeoutMs": durationMs(30_000).register(about, {
    flag: "--stall-timeout-ms",
    placeholder: "ms",
    description: "How long publishers may wait for a subscriber that takes nothing, before it is evicted.",
  }),
  "events.kind": z.enum(["memory", "sqlite"]).default("memory").register(about, {
    flag: "--events",
    placeholder: "kind",
    description: "Where recent events are kept for those who come back: gone with the process, or in an SQLite file.",
  }),
  "events.path": path().default("./loom-bridge-events.db").register(about, {
    flag: "--events-data",
    placeholder: "file",
    isPath: true,
    description:
      "The SQLite file of the events; not that of the plans. Made when it is not there; its folder must exist.",
  }),
  "events.perTopic": whole(100_000_000, defaultRetentionLimits.topicMessages).register(about, {
    flag: "--events-per-topic",
    placeholder: "count",
    description:
      "Recent events that are kept of one topic. The oldest make room, many at once: up to half a percent more are kept.",
  }),
  "events.bytesPerTopic": whole(2_147_483_647, defaultRetentionLimits.topicBytes).register(about, {
    flag: "--events-bytes-per-topic",
    placeholder: "bytes",
    description: "What is kept of one topic. The oldest event makes room.",
  }),
  "events.totalBytes": whole(1_099_511_627_776, defaultRetentionLimits.totalBytes).register(about, {
    flag: "--events-total-bytes",
    placeholder: "bytes",
    description: "What is kept of all topics. The oldest event makes room.",
  }),
  "events.topics": whole(100_000_000, defaultRetentionLimits.topics).register(about, {
    flag: "--events-topics",
    placeholder: "count",
    description: "Topics of which events are kept. The one without news for longest makes room.",
  }),
  "events.positions": whole(100_000_000, defaultRetentionLimits.positions).register(about, {
    flag: "--events-positions",
    placeholder: "count",
    description: "Positions of durable subscriptions that are kept. The one that was not moved for longest makes room.",
  }),
  "events.maxAgeMs": whole(31_536_000_000, defaultRetentionLimits.ageMs).register(about, {
    flag: "--events-age-ms",
    placeholder: "ms",
    description: "How long events are kept.",
  }),
  "results.maxEntries": whole(100_000_000, defaultCallResultLimits.keys).register(about, {
    flag: "--results-entries",
    placeholder: "count",
    description: "Results of calls with idempotency keys that are kept. The oldest makes room.",
  }),
  "results.maxBytes": whole(1_099_511_627_776, defaultCallResultLimits.bytes).register(about, {
    flag: "--results-bytes",
    placeholder: "bytes",
    description: "Bytes of them. The oldest makes room.",
  }),
  "results.keepMs": whole(31_536_000_000, defaultCallResultLimits.keepMs).register(about, {
    flag: "--results-age-ms",
    placeholder: "ms",
    description: "How long they are kept. After that, a call with the same key is a new one.",
  }),
  "journal.enabled": z.boolean().default(true).register(about, {
    flag: "--journal",
    placeholder: "boolean",
    description: "Remembers what happened to events and calls, for loom-bridge why.",
  }),
  "journal.maxEntries": whole(10_000_000, defaultJournalLimits.maxEntries).register(about, {
    flag: "--journal-entries",
    placeholder: "count",
    description: "Things that the journal remembers. The oldest makes room.",
  }),
  "journal.maxBytes": whole(2_147_483_647, defaultJournalLimits.maxBytes).register(about, {
    flag: "--journal-bytes",
    placeholder: "bytes",
    description: "What the journal may hold. The oldest entry makes room.",
  }),
  "journal.maxAgeMs": durationMs(defaultJournalLimits.maxAgeMs).register(about, {
    flag: "--journal-age-ms",
    placeholder: "ms",
    description: "How long the journal remembers.",
  }),
  ...limitSettings,
  ...agentLimitSettings,
  "metrics.address": z.string().superRefine(address).optional().register(about, {
    flag: "--metrics",
    placeholder: "host:port",
    description:
      "Where operators read metrics, at /metrics for Prometheus. Whoever reaches it may read them. Without a host: this machine only. Without: off.",
  }),
  "log.level": z.enum(["debug", "info", "warn", "error", "silent"]).default("info").register(about, {
    flag: "--log-level",
    placeholder: "level",
    description: "The least important lines that are logged, on the standard error output.",
  }),
  "log.format": z.enum(["text", "json"]).default("text").register(about, {
    flag: "--log-format",
    placeholder: "format",
    description: "Log lines for people, or one JSON object a line.",
  }),
  "shutdown.graceMs": durationMs(10_000).register(about, {
    flag: "--grace-ms",
    placeholder: "ms",
    description: "What calls in hand have to finish after SIGTERM or Ctrl-C. What is left then is cut.",
  }),
};

/** Fills in the defaults and refuses what is wrong. */
export const configSchema: z.ZodType<Config> = z.strictObject(shape);

/** Every setting, in the order of the documentation. */
export const settings: readonly Setting[] = Object.entries(shape).map(([key, schema]) => {
  const { env, isPath = false, ...rest } = about.get(schema) as About;
  return {
    ...rest,
    key: key as keyof Config,
    env: env ?? `LOOM_BRIDGE_${rest.flag.slice(2).toUpperCase().replaceAll("-", "_")}`,
    isPath,
    schema,
  };
});
