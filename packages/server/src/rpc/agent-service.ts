import type { ServiceImpl } from "@connectrpc/connect";
import type { AgentService } from "@loom-bridge/protocol/messages";
import type { EventBus } from "../domain/bus/event-bus.ts";
import type { Logger } from "../domain/logger.ts";
import type { Presence } from "../domain/session/presence.ts";
import type { SessionRegistry } from "../domain/session/session-registry.ts";
import type { StreamEnds } from "../domain/session/stream-ends.ts";
import { toAgentInfo } from "./agent-info.ts";
import { createWatchAgentsHandler } from "./watch-agents-handler.ts";

export interface AgentServiceOptions {
  readonly sessions: SessionRegistry;
  readonly presence: Presence;
  readonly streamEnds: StreamEnds;
  readonly bus: EventBus;
  readonly logger: Logger;
}

export function createAgentService(options: AgentServiceOptions): ServiceImpl<typeof AgentService> {
  const { sessions, presence, streamEnds, bus, logger } = options;
  return {
    listAgents({ tool, topic }) {
      const reached = topic === "" ? undefined : bus.subscribersOf(topic);
      const agents = sessions
        .list()
        .filter(({ registration }) => tool === "" || registration.tools.some(({ name }) => name === tool))
        .filter(({ agentId }) => reached === undefined || reached.has(agentId));
      return { agents: agents.map(toAgentInfo) };
    },
    watchAgents: createWatchAgentsHandler({ presence, streamEnds, logger, list: () => sessions.list() }),
  };
}
