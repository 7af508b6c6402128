import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import { type Runtime, systemRuntime } from "@loom-bridge/protocol";
import {
  ActionService,
  AdminService,
  AgentService,
  BridgeService,
  MemoryService,
} from "@loom-bridge/protocol/messages";
import { createAudit } from "./domain/access/audit.ts";
import type { Authenticator, Presented } from "./domain/access/authenticator.ts";
import { createGatekeeper, type ReloadOutcome } from "./domain/access/gatekeeper.ts";
import type { Principal } from "./domain/access/principal.ts";
import { EventBus } from "./domain/bus/event-bus.ts";
import { createJournal, type JournalLimits, silentJournal } from "./domain/journal/journal.ts";
import type { EventLog } from "./domain/log/event-log.ts";
import { type Logger, silentLogger } from "./domain/logger.ts";
import { createMemory } from "./domain/memory/memory.ts";
import type { MemoryLimits } from "./domain/memory/memory-limits.ts";
import type { MemoryStore } from "./domain/memory/memory-store.ts";
import { drainSessions } from "./domain/session/drain-sessions.ts";
import { createPresence } from "./domain/session/presence.ts";
import { SessionRegistry } from "./domain/session/session-registry.ts";
import { defaultSessionSettings } from "./domain/session/session-settings.ts";
import { shutdownError } from "./domain/session/shutdown-error.ts";
import { createStreamEnds } from "./domain/session/stream-ends.ts";
import { type BridgeTool, createBridgeToolProvider } from "./domain/tools/bridge-tool.ts";
import { createCallAs } from "./domain/tools/call-as.ts";
import type { CallResultStore } from "./domain/tools/call-result-store.ts";
import type { ToolDescriptor, ToolProvider } from "./domain/tools/tool.ts";
import { createToolBroker } from "./domain/tools/tool-broker.ts";
import { createToolRegistry } from "./domain/tools/tool-registry.ts";
import type { Admission } from "./listener/admission.ts";
import type { MessageStreamHandler } from "./listener/message-stream.ts";
import { createAdmissionInterceptor } from "./rpc/access-of.ts";
import { createActionService } from "./rpc/action-service.ts";
import { createAdminService } from "./rpc/admin-service.ts";
import { admitCall } from "./rpc/admit-call.ts";
import { createAgentService } from "./rpc/agent-service.ts";
import { createBridgeService } from "./rpc/bridge-service.ts";
import { createErrorInterceptor } from "./rpc/connect-error.ts";
import { annotateEvent } from "./rpc/event-mapping.ts";
import { createMemoryService } from "./rpc/memory-service.ts";
import { toBusEvent } from "./rpc/presence-event.ts";
import { createMessageStreamHandler } from "./rpc/stream/message-stream-handler.ts";
import { createTypeboxCompiler } from "./schema/typebox-compiler.ts";
import { createInMemoryCallResults } from "./stores/call-results/in-memory-call-results.ts";
import { createInMemoryEventLog } from "./stores/log/in-memory-event-log.ts";
import { createInMemoryStore } from "./stores/memory/in-memory-store.ts";
import { version } from "./version.ts";

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
  /** The bridge's own tools. Default: none. */
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
  vouchFor(principal: Principal): Admission;
  /**
   * Reads keys, rules and certificates anew, and asks again about everybody who has a stream open.
   * @throws LoomError that says what cannot be used; that part is as before then.
   */
  reload(): Promise<ReloadOutcome>;
  /** Has something else read anew with each reload. */
  onReload(callback: () => Promise<void>): void;
  /** What every request passes through. */
  readonly interceptors: readonly Interceptor[];
  /** Adds the bridge's services to a router. */
  routes(router: ConnectRouter): void;
  /**
   * Adds tools while the bridge runs, and returns what takes them away again and ends their calls. `kind` says whose
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

export function createBridge(options: BridgeOptions = {}): Bridge {
  const { runtime = systemRuntime, logger = silentLogger, store = createInMemoryStore() } = options;
  const { log = createInMemoryEventLog({ runtime }) } = options;
  const { stallTimeoutMs = 30_000, registerTimeoutMs = 5_000, tools = [] } = options;
  const { heartbeatIntervalMs = defaultSessionSettings.heartbeatIntervalMs, memoryLimits } = options;
  const settings = { ...defaultSessionSettings, heartbeatIntervalMs };

  const audit = createAudit(logger, runtime);
  const gatekeeper = createGatekeeper({ authenticator: options.authenticator, runtime, logger, audit });
  const journal = options.journal === false ? silentJournal : createJournal(runtime, options.journal);
  const bus = new EventBus({ runtime, stallTimeoutMs, log, annotate: annotateEvent, journal, logger });
  const registry = createToolRegistry({ compiler: createTypeboxCompiler() });
  const { callResults: results = createInMemoryCallResults() } = options;
  const broker = createToolBroker({ registry, runtime, logger, journal, results });
  const provider = createBridgeToolProvider(tools);
  registry.register(
    provider,
    tools.map(({ descriptor }) => descriptor),
  );
  const memory = createMemory({ store, runtime, ...(memoryLimits === undefined ? {} : { limits: memoryLimits }) });
  const streamEnds = createStreamEnds();
  const presence = createPresence((event) => bus.announce(toBusEvent(event, runtime)));
  const callAs = createCallAs(broker, journal);
  const sessions = new SessionRegistry({
    bus,
    runtime,
    logger,
    settings,
    gatekeeper,
    onChange: presence.changed,
    tools: { register: registry.register, call: callAs },
  });

  const bridgeService = createBridgeService({
    bus,
    sessions,
    streamEnds,
    gatekeeper,
    journal,
    settings,
    runtime,
    logger,
    registerTimeoutMs,
    version,
    startedMs: Math.floor(runtime.now()),
    memoryStore: memory.kind,
    toolNames: () => registry.list().map(({ descriptor }) => descriptor.name),
  });
  function endStreams(reason: string): void {
    presence.close();
    streamEnds.close(shutdownError(reason));
    sessions.close(reason);
  }

  const streamHandler = createMessageStreamHandler({ sessions, settings, runtime, logger, registerTimeoutMs });
  const reloads: (() => Promise<void>)[] = [];
  async function reload(): Promise<ReloadOutcome> {
    const outcome = await gatekeeper.reload();
    for (const callback of reloads) await callback();
    return outcome;
  }

  let closing: Promise<void> | undefined;
  return {
    version,
    runtime,
    logger,
    isGuarded: options.authenticator !== undefined,
    admit: (presented) => admitCall(gatekeeper, presented, logger),
    vouchFor: (principal) => gatekeeper.accessOf(principal),
    reload,
    onReload: (callback) => void reloads.push(callback),
    streams: new Map([[`/${BridgeService.typeName}/${BridgeService.method.stream.name}`, streamHandler]]),
    interceptors: [createErrorInterceptor(logger), createAdmissionInterceptor(gatekeeper, logger)],
    routes(router) {
      router.service(BridgeService, bridgeService);
      router.service(ActionService, createActionService({ callAs, registry }));
      router.service(MemoryService, createMemoryService(memory));
      router.service(AdminService, createAdminService({ reload, audit }));
      router.service(AgentService, createAgentService({ sessions, presence, streamEnds, gatekeeper, bus, logger }));
    },
    provide(added, descriptors) {
      const registration = registry.register(added, descriptors);
      return () => registration.remove();
    },
    async drain(reason, graceMs) {
      await drainSessions({ sessions, presence, runtime, reason, graceMs: Math.floor(graceMs / 2) });
      endStreams(reason);
      // What they end with leaves before the listener ends whatever is left in its own words.
      await new Promise<void>((resolve) => runtime.defer(resolve));
    },
    close() {
      closing ??= (async () => {
        endStreams("the bridge is shutting down");
        bus.close();
        await log.close();
        await results.close();
        await memory.close();
      })();
      return closing;
    },
  };
}
