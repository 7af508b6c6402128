import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { type AgentInfoSchema, type AgentService, AgentStatus } from "@loom-bridge/protocol/messages";
import type { EventBus } from "../domain/bus/event-bus.ts";
import type { Session } from "../domain/session/session.ts";
import type { SessionRegistry } from "../domain/session/session-registry.ts";
import { fromSubscriptionRequest } from "./event-mapping.ts";

export function createAgentService(options: {
  readonly sessions: SessionRegistry;
  readonly bus: EventBus;
}): Omit<ServiceImpl<typeof AgentService>, "watchAgents"> {
  return {
    listAgents({ tool, topic }) {
      const reached = topic === "" ? undefined : options.bus.subscribersOf(topic);
      const agents = options.sessions
        .list()
        .filter(({ registration }) => tool === "" || registration.tools.some(({ name }) => name === tool))
        .filter(({ agentId }) => reached === undefined || reached.has(agentId));
      return { agents: agents.map(fromSession) };
    },
  };
}

function fromSession(session: Session): MessageInitShape<typeof AgentInfoSchema> {
  const { registration } = session;
  return {
    agentId: session.agentId,
    subscriptions: session.subscriptions.map(fromSubscriptionRequest),
    tools: registration.tools.map(({ name }) => name),
    metadata: { ...registration.metadata },
    status: session.isActive ? AgentStatus.ACTIVE : AgentStatus.INACTIVE,
    sessionId: session.sessionId,
    epoch: BigInt(session.epoch),
    connectedMs: BigInt(Math.floor(session.connectedMs)),
    lastSeenMs: BigInt(Math.floor(session.lastSeenMs)),
  };
}
