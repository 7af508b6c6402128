import type { ServiceImpl } from "@connectrpc/connect";
import type { Runtime } from "@loom-bridge/protocol";
import type { ActionService, AgentService, BridgeService, MemoryService } from "@loom-bridge/protocol/messages";
import type { BridgeLimits } from "./bridge-limits.ts";
import type { Access } from "./domain/access/access.ts";
import type { Gatekeeper } from "./domain/access/gatekeeper.ts";
import type { Breaches } from "./domain/breaches.ts";
import { EventBus } from "./domain/bus/event-bus.ts";
import { createJournal, type JournalLimits, silentJournal } from "./domain/journal/journal.ts";
import type { Logger } from "./domain/logger.ts";
import { createMemory } from "./domain/memory/memory.ts";
import type { MemoryLimits } from "./domain/memory/memory-limits.ts";
import { drainSessions } from "./domain/session/drain-sessions.ts";
import { createPresence } from "./domain/session/presence.ts";
import { SessionRegistry } from "./domain/session/session-registry.ts";
import type { SessionSettings } from "./domain/session/session-settings.ts";
import { shutdownError } from "./domain/session/shutdown-error.ts";
import { speakerOf } from "./domain/session/speaker-of.ts";
import { createStreamEnds } from "./domain/session/stream-ends.ts";
import { type BridgeTool, createBridgeToolProvider } from "./domain/tools/bridge-tool.ts";
import { createCallAs } from "./domain/tools/call-as.ts";
import type { ToolDescriptor, ToolProvider } from "./domain/tools/tool.ts";
import { createToolBroker } from "./domain/tools/tool-broker.ts";
import { toolChanged } from "./domain/tools/tool-changes.ts";
import { createToolRegistry } from "./domain/tools/tool-registry.ts";
import { sumStatistics } from "./domain/tools/tool-statistics.ts";
import type { MessageStreamHandler } from "./listener/message-stream.ts";
import type { SpaceCounts } from "./metrics/bridge-metrics.ts";
import { createActionService } from "./rpc/action-service.ts";
import { createAgentService } from "./rpc/agent-service.ts";
import { toBusEvent } from "./rpc/bridge-event.ts";
import { createBridgeService } from "./rpc/bridge-service.ts";
import { annotateEvent } from "./rpc/event-mapping.ts";
import { createMemoryService } from "./rpc/memory-service.ts";
import { createMessageStreamHandler } from "./rpc/stream/message-stream-handler.ts";
import { createTypeboxCompiler } from "./schema/typebox-compiler.ts";
import type { SpaceStores } from "./spaces.ts";
import { createInMemoryCallResults } from "./stores/call-results/in-memory-call-results.ts";
import { createInMemoryEventLog } from "./stores/log/in-memory-event-log.ts";
import { createInMemoryStore } from "./stores/memory/in-memory-store.ts";
import { version } from "./version.ts";

/** What the spaces of a bridge have in common. */
export interface SpaceOptions extends SpaceStores {
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly breaches: Breaches;
  readonly gatekeeper: Gatekeeper;
  readonly settings: SessionSettings;
  readonly limits: BridgeLimits;
  readonly stallTimeoutMs: number;
  readonly registerTimeoutMs: number;
  /** When the bridge began. */
  readonly startedMs: number;
  readonly memoryLimits: Partial<MemoryLimits> | undefined;
  readonly journal: Partial<JournalLimits> | false | undefined;
  /** The bridge's own tools. */
  readonly tools: readonly BridgeTool[];
}

/**
 * Where the principals of one tenant meet: events, agents, tools, memory and what is remembered of them. Nothing of it is
 * shared with another space. It owns its stores.
 */
export interface Space {
  readonly bridge: ServiceImpl<typeof BridgeService>;
  readonly action: ServiceImpl<typeof ActionService>;
  readonly memory: ServiceImpl<typeof MemoryService>;
  readonly agents: ServiceImpl<typeof AgentService>;
  readonly stream: MessageStreamHandler;
  /**
   * For whom a call is made that comes without a session.
   * @throws LoomError `permission_denied` when it names an agent that another principal has connected.
   */
  speaker(access: Access): Access;
  /** What it is doing now. */
  readonly counts: SpaceCounts;
  /** Gives up the subscriber whose queue holds most memory; returns false when none holds enough to matter. */
  shed(): boolean;
  /** Adds tools while the space is there, and returns what takes them away again. */
  provide(provider: ToolProvider, tools: readonly ToolDescriptor[]): () => void;
  /** Takes no more agents, tells those that are here to leave, and waits for them. */
  drain(reason: string, graceMs: number): Promise<void>;
  /** Ends every session and stream. */
  end(reason: string): void;
  /** Ends them, and closes the stores. */
  close(): Promise<void>;
}

export function createSpace(options: SpaceOptions): Space {
  const {
    runtime,
    logger,
    breaches,
    gatekeeper,
    settings,
    limits,
    stallTimeoutMs,
    registerTimeoutMs,
    memoryLimits,
    tools,
  } = options;
  const { store = createInMemoryStore(), log = createInMemoryEventLog({ runtime }) } = options;
  const journal = options.journal === false ? silentJournal : createJournal(runtime, options.journal);
  const bus = new EventBus({
    runtime,
    stallTimeoutMs,
    limits,
    log,
    annotate: annotateEvent,
    journal,
    logger,
    breaches,
  });
  const registry = createToolRegistry({
    compiler: createTypeboxCompiler(runtime),
    limits,
    onChange: (change) => {
      logger.warn("a tool is described otherwise than before", { ...change });
      bus.announce(toBusEvent({ ...toolChanged(change), key: change.tool }, runtime));
    },
  });
  const { callResults: results = createInMemoryCallResults() } = options;
  const broker = createToolBroker({ registry, runtime, logger, journal, breaches, results, limits });
  const provider = createBridgeToolProvider(tools);
  registry.register(
    provider,
    tools.map(({ descriptor }) => descriptor),
  );
  const memory = createMemory({ store, runtime, ...(memoryLimits === undefined ? {} : { limits: memoryLimits }) });
  const streamEnds = createStreamEnds();
  const presence = createPresence((event) =>
    bus.announce(toBusEvent({ ...event, key: event.payload.agent_id }, runtime)),
  );
  const callAs = createCallAs(broker, journal);
  const sessions = new SessionRegistry({
    bus,
    runtime,
    logger,
    settings,
    gatekeeper,
    breaches,
    onChange: presence.changed,
    tools: { register: registry.register, call: callAs },
  });

  const bridgeService = createBridgeService({
    bus,
    sessions,
    streamEnds,
    gatekeeper,
    journal,
    breaches,
    settings,
    runtime,
    logger,
    registerTimeoutMs,
    version,
    startedMs: options.startedMs,
    memoryStore: memory.kind,
    toolNames: () => registry.list().map(({ descriptor }) => descriptor.name),
  });
  function end(reason: string): void {
    presence.close();
    streamEnds.close(shutdownError(reason));
    sessions.close(reason);
  }

  const stream = createMessageStreamHandler({ sessions, settings, runtime, logger, registerTimeoutMs });

  return {
    bridge: bridgeService,
    action: createActionService({ callAs, registry }),
    memory: createMemoryService(memory),
    agents: createAgentService({ sessions, presence, streamEnds, gatekeeper, bus, logger }),
    stream,
    speaker: (access) => speakerOf(access, sessions),
    get counts() {
      const { subscriptions, bytes } = bus.held;
      const { published, delivered, drops, backlog } = bus.total;
      return {
        sessions: sessions.list().length,
        subscriptions,
        queuedEvents: backlog,
        queuedBytes: bytes,
        published,
        delivered,
        drops,
        tools: registry.size,
        calls: sumStatistics(broker.statistics().values()),
      };
    },
    shed: () => bus.evictLargest(),
    provide(added, descriptors) {
      const registration = registry.register(added, descriptors);
      return () => registration.remove();
    },
    drain: (reason, graceMs) => drainSessions({ sessions, presence, runtime, reason, graceMs }),
    end,
    async close() {
      end("the bridge is shutting down");
      bus.close();
      await log.close();
      await results.close();
      await memory.close();
    },
  };
}
