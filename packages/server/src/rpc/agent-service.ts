import type { ServiceImpl } from "@connectrpc/connect";
import type { AgentService } from "@loom-bridge/protocol/messages";
import type { Gatekeeper } from "../domain/access/gatekeeper.ts";
import type { EventBus } from "../domain/bus/event-bus.ts";
import type { Logger } from "../domain/logger.ts";
import type { Presence } from "../domain/session/presence.ts";
import type { SessionRegistry } from "../domain/session/session-registry.ts";
import type { StreamEnds } from "../domain/session/stream-ends.ts";
import { accessOf } from "./access-of.ts";
import { maySee, provides, toAgentInfo } from "./agent-info.ts";
import { createWatchAgentsHandler } from "./watch-agents-handler.ts";

export interface AgentServiceOptions {
  readonly sessions: SessionRegistry;
  readonly presence: Presence;
  readonly streamEnds: StreamEnds;
  readonly gatekeeper: Pick<Gatekeeper, "holdStream">;
  readonly bus: EventBus;
  readonly logger: Logger;
}

export function createAgentService(options: AgentServiceOptions): ServiceImpl<typeof AgentService> {
  const { sessions, presence, streamEnds, gatekeeper, bus, logger } = options;
  return {
    listAgents({ tool, topic }, context) {
      const access = accessOf(context);
      if (topic !== "" && !access.may("topics.publish", topic)) access.check("topics.subscribe", topic);
      const reached = topic === "" ? undefined : bus.subscribersOf(topic);
      const agents = sessions
        .list()
        .filter((session) => maySee(access, session) && provides(session, tool, access))
        .filter(({ agentId }) => reached === undefined || reached.has(agentId));
      return { agents: agents.map((session) => toAgentInfo(session, access)) };
    },
    watchAgents: createWatchAgentsHandler({ presence, streamEnds, gatekeeper, logger, list: () => sessions.list() }),
  };
}
