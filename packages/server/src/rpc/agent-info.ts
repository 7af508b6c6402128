import type { MessageInitShape } from "@bufbuild/protobuf";
import { type AgentInfoSchema, AgentStatus } from "@loom-bridge/protocol/messages";
import type { Session } from "../domain/session/session.ts";
import { fromSubscriptionRequest } from "./event-mapping.ts";

/** What the directory tells of a session's agent. */
export function toAgentInfo(session: Session): MessageInitShape<typeof AgentInfoSchema> {
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
