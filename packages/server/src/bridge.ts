import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import { type Runtime, systemRuntime } from "@loom-bridge/protocol";
import {
  ActionService,
  AdminService,
  AgentService,
  BridgeService,
  MemoryService,
} from "@loom-bridge/protocol/messages";
import { type BridgeLimits, resolveBridgeLimits } from "./bridge-limits.ts";
import type { Access } from "./domain/access/access.ts";
import { createAudit } from "./domain/access/audit.ts";
import type { Authenticator, Presented } from "./domain/access/authenticator.ts";
import { createGatekeeper, type ReloadOutcome } from "./domain/access/gatekeeper.ts";
import type { Principal } from "./domain/access/principal.ts";
import { createBoundedLogger } from "./domain/bounded-logger.ts";
import { type Breaches, createBreaches } from "./domain/breaches.ts";
import type { JournalLimits } from "./domain/journal/journal.ts";
import type { EventLog } from "./domain/log/event-log.ts";
import { type Logger, silentLogger } from "./domain/logger.ts";
import type { MemoryLimits } from "./domain/memory/memory-limits.ts";
import type { MemoryStore } from "./domain/memory/memory-store.ts";
import { defaultRegisterTimeoutMs, defaultSessionSettings } from "./domain/session/session-settings.ts";
import type { BridgeTool } from "./domain/tools/bridge-tool.ts";
import type { CallResultStore } from "./domain/tools/call-result-store.ts";
import type { ToolDescriptor, ToolProvider } from "./domain/tools/tool.ts";
import type { Admission } from "./listener/admission.ts";
import type { MessageStreamHandler } from "./listener/message-stream.ts";
import { createBridgeMetrics } from "./metrics/bridge-metrics.ts";
import type { Metric } from "./metrics/metric.ts";
import { createAdmissionInterceptor } from "./rpc/access-of.ts";
import { createAdminService } from "./rpc/admin-service.ts";
import { admitCall } from "./rpc/admit-call.ts";
import { createErrorInterceptor } from "./rpc/connect-error.ts";
import { dispatch } from "./rpc/dispatch.ts";
import { createSpace, type Space, type SpaceOptions } from "./space.ts";
import { createSpaces, type SpaceStores } from "./spaces.ts";
import { version } from "./version.ts";

/** The tenants of a bridge: spaces of their own for principals that name one. */
export interface TenantOptions {
  /** How many besides the default one. A call of one more is refused. Default: 16. */
  readonly max?: number;
  /** Opens where a tenant keeps what lasts; the bridge closes it. Default: in memory, gone with the process. */
  readonly openStores?: (tenant: string) => SpaceStores | Promise<SpaceStores>;
  /** A tenant's tools of the bridge. Default: none, because a tool may lead from one tenant to another. */
  readonly tools?: (tenant: string) => readonly BridgeTool[];
}

/** What a bridge keeps, whom it asks, and when it gives up on an agent. All of it has a default. */
export interface BridgeOptions {
  /** Time, timers, randomness and ids. Default: those of this process. */
  readonly runtime?: Runtime;
  /** Where the bridge reports. Default: nowhere. */
  readonly logger?: Logger;
  /** Keeps plans and executions; the bridge closes it. Default: in memory, gone with the process. */
  readonly store?: MemoryStore;
  /** Keeps recent events and the positions of durable subscriptions; the bridge closes it. Default: in memory. */
  readonly log?: EventLog;
  /**
   * How much is remembered of what happened to events and calls, for `loom-bridge why`. `false`: nothing. Default: the
   * last 50 000 things within ten minutes, at most 16 MiB; noting one takes about a tenth of a microsecond.
   */
  readonly journal?: Partial<JournalLimits> | false;
  /** Keeps the results of calls with idempotency keys; the bridge closes it. Default: in memory. */
  readonly callResults?: CallResultStore;
  readonly memoryLimits?: Partial<MemoryLimits>;
  /** Finds out who makes a call. Default: nobody is asked, and everybody may do everything. */
  readonly authenticator?: Authenticator;
  /** What tenants may be open at a time, and where each keeps what lasts. Default: 16, in memory. */
  readonly tenants?: TenantOptions;
  /** The bridge's own tools, for those without a tenant. Default: none. */
  readonly tools?: readonly BridgeTool[];
  /** How often agents should say that they live. Three silent intervals end a session. Default: 30 000. */
  readonly heartbeatIntervalMs?: number;
  /**
   * How long publishers may wait for a subscriber that takes nothing, before it is evicted. Default: 30 000: a
   * subscriber that is alive but silent for longer would look dead anyway.
   */
  readonly stallTimeoutMs?: number;
  /** How long a stream may be open without a Register. Default: 5000: a client sends it at once. */
  readonly registerTimeoutMs?: number;
  /** What agents, events and tools may take. Default: that of `BridgeLimits`. */
  readonly limits?: Partial<BridgeLimits>;
}

/** A bridge without sockets: `serve` gives it some, a test reaches it in memory. */
export interface Bridge {
  readonly version: string;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** Whether anybody is asked who they are. */
  readonly isGuarded: boolean;
  /**
   * Finds out who makes a call, from what it shows before its body is read. Whoever carries calls to the bridge asks,
   * and passes the answer on in the call's context values, under {@link admissionKey}. Never rejects.
   */
  admit(presented: Presented): Admission | Promise<Admission>;
  /** The admission of a principal that the bridge's owner vouches for, such as a test. */
  vouchFor(principal: Principal): Admission | Promise<Admission>;
  /**
   * Reads keys, rules and certificates anew, and asks again about everybody who has a stream open.
   * @throws LoomError that says what cannot be used; that part is as before then.
   */
  reload(): Promise<ReloadOutcome>;
  /** Has something else read anew with each reload. */
  onReload(callback: () => Promise<void>): void;
  /** How often each limit was met. */
  readonly breaches: Breaches;
  /** What it is doing, to be read at any time. */
  readonly metrics: readonly Metric[];
  /** Gives up the subscriber whose queue holds most memory; returns false when none holds enough to matter. */
  shed(): boolean;
  /** What every request passes through. */
  readonly interceptors: readonly Interceptor[];
  /** Adds the bridge's services to a router. */
  routes(router: ConnectRouter): void;
  /**
   * Adds tools for those without a tenant while the bridge runs, and returns what takes them away again and ends their calls. `kind` says whose
   * they are: a tool of the bridge, or of agents, among whom the calls are shared.
   * @throws LoomError as for the tools of a Register.
   */
  provide(provider: ToolProvider, tools: readonly ToolDescriptor[]): () => void;
  /** Answers calls to a path without a router, as messages of bytes: what a listener can use for its busiest path. */
  readonly streams: ReadonlyMap<string, MessageStreamHandler>;
  /**
   * Takes no more agents and tells those that are here to leave. Half of the grace time later at the latest it ends
   * the sessions and streams that are left, with `unavailable`; the other half is for calls still open.
   */
  drain(reason: string, graceMs: number): Promise<void>;
  /** Ends every session with `unavailable` and closes the store. Harmless when repeated. */
  close(): Promise<void>;
}

/** Makes a bridge without sockets. {@link Bridge.close} ends it, and whatever it was given to keep. */
export function createBridge(options: BridgeOptions = {}): Bridge {
  const { runtime = systemRuntime, tenants = {} } = options;
  const limits = resolveBridgeLimits(options.limits);
  const { logLinesPerPeer: linesPerPeer, streamsPerPrincipal } = limits;
  const logger = createBoundedLogger(options.logger ?? silentLogger, runtime, linesPerPeer);
  const breaches = createBreaches();
  const { heartbeatIntervalMs = defaultSessionSettings.heartbeatIntervalMs } = options;
  const audit = createAudit(logger, runtime);
  const { authenticator } = options;
  const gatekeeper = createGatekeeper({ authenticator, runtime, logger, audit, streamsPerPrincipal });
  const common: Omit<SpaceOptions, keyof SpaceStores | "tools"> = {
    runtime,
    logger,
    breaches,
    gatekeeper,
    settings: { ...defaultSessionSettings, ...limits, heartbeatIntervalMs },
    limits,
    stallTimeoutMs: options.stallTimeoutMs ?? 30_000,
    registerTimeoutMs: options.registerTimeoutMs ?? defaultRegisterTimeoutMs,
    startedMs: Math.floor(runtime.now()),
    memoryLimits: options.memoryLimits,
    journal: options.journal,
  };
  const { store, log, callResults } = options;
  const main = createSpace({
    ...common,
    ...(store === undefined ? {} : { store }),
    ...(log === undefined ? {} : { log }),
    ...(callResults === undefined ? {} : { callResults }),
    tools: options.tools ?? [],
  });
  const spaces = createSpaces({
    main,
    maxTenants: tenants.max ?? 16,
    openStores: tenants.openStores ?? (() => ({})),
    createSpace: (tenant, stores) => createSpace({ ...common, ...stores, tools: tenants.tools?.(tenant) ?? [] }),
  });
  const spaceOf = ({ principal }: Access): Space => spaces.of(principal.tenant);

  /** Whoever is let in has a space to go to. */
  function enter(access: Access): Access | Promise<Access> {
    const space = spaces.open(access.principal.tenant);
    return space instanceof Promise ? space.then(({ speaker }) => speaker(access)) : space.speaker(access);
  }
  const gate = {
    admit(presented: Presented): Access | Promise<Access> {
      const access = gatekeeper.admit(presented);
      return access instanceof Promise ? access.then(enter) : enter(access);
    },
  };

  const reloads: (() => Promise<void>)[] = [];
  async function reload(): Promise<ReloadOutcome> {
    const outcome = await gatekeeper.reload();
    for (const callback of reloads) await callback();
    return outcome;
  }

  const streamPath = `/${BridgeService.typeName}/${BridgeService.method.stream.name}`;
  let closing: Promise<void> | undefined;
  return {
    version,
    runtime,
    logger,
    isGuarded: authenticator !== undefined,
    admit: (presented) => admitCall(gate, presented, logger),
    vouchFor: (principal) => enter(gatekeeper.accessOf(principal)),
    reload,
    onReload: (callback) => void reloads.push(callback),
    breaches,
    metrics: createBridgeMetrics({ breaches, spaces: () => spaces.all().map((space) => space.counts), version }),
    shed() {
      const byBytes = spaces.all().toSorted((a, b) => b.counts.queuedBytes - a.counts.queuedBytes);
      return byBytes[0]?.shed() ?? false;
    },
    streams: new Map([[streamPath, (wire, access) => spaceOf(access).stream(wire, access)]]),
    interceptors: [createErrorInterceptor(logger), createAdmissionInterceptor(gate, logger)],
    routes(router) {
      router.service(
        BridgeService,
        dispatch(BridgeService, (access) => spaceOf(access).bridge),
      );
      router.service(
        ActionService,
        dispatch(ActionService, (access) => spaceOf(access).action),
      );
      router.service(
        MemoryService,
        dispatch(MemoryService, (access) => spaceOf(access).memory),
      );
      router.service(
        AgentService,
        dispatch(AgentService, (access) => spaceOf(access).agents),
      );
      router.service(AdminService, createAdminService({ reload, audit }));
    },
    provide: main.provide,
    async drain(reason, graceMs) {
      await spaces.close();
      await Promise.all(spaces.all().map((space) => space.drain(reason, Math.floor(graceMs / 2))));
      for (const space of spaces.all()) space.end(reason);
      // What they end with leaves before the listener ends whatever is left in its own words.
      await new Promise<void>((resolve) => runtime.defer(resolve));
    },
    close() {
      closing ??= (async () => {
        for (const space of spaces.all()) space.end("the bridge is shutting down");
        await spaces.close();
        await Promise.all(spaces.all().map((space) => space.close()));
      })();
      return closing;
    },
  };
}
