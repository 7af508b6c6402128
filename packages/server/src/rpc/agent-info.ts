import type { MessageInitShape } from "@bufbuild/protobuf";
import { type AgentInfoSchema, AgentStatus } from "@loom-bridge/protocol/messages";
import type { Access } from "../domain/access/access.ts";
import type { SubscriptionRequest } from "../domain/bus/subscription-request.ts";
import type { Session } from "../domain/session/session.ts";
import { fromSubscriptionRequest } from "./event-mapping.ts";

/** Whether somebody may know of a session's agent: its principal may, and who may see the agent. */
export function maySee(access: Access, { agentId }: Session): boolean {
  return access.may("agents.see", agentId) || isOwn(access, agentId);
}

/** Whether a session's agent provides a tool, to somebody who may know. An empty name: it need provide none. */
export function provides(session: Session, tool: string, access: Access): boolean {
  return tool === "" || toolsOf(session, access).includes(tool);
}

/** What the directory tells somebody of a session's agent: of another's, no tool and no filter beyond its own grants. */
export function toAgentInfo(session: Session, access: Access): MessageInitShape<typeof AgentInfoSchema> {
  const { registration } = session;
  return {
    agentId: session.agentId,
    subscriptions: subscriptionsOf(session, access).map(fromSubscriptionRequest),
    tools: toolsOf(session, access),
    metadata: { ...registration.metadata },
    status: session.isActive ? AgentStatus.ACTIVE : AgentStatus.INACTIVE,
    sessionId: session.sessionId,
    epoch: BigInt(session.epoch),
    connectedMs: BigInt(Math.floor(session.connectedMs)),
    lastSeenMs: BigInt(Math.floor(session.lastSeenMs)),
  };
}

function toolsOf({ agentId, registration }: Session, access: Access): string[] {
  const names = registration.tools.map(({ name }) => name);
  return isOwn(access, agentId) ? names : names.filter((name) => access.may("tools.call", name));
}

function subscriptionsOf({ agentId, subscriptions }: Session, access: Access): SubscriptionRequest[] {
  if (isOwn(access, agentId)) return subscriptions;
  return subscriptions.filter(({ filters }) => filters.every((filter) => access.hear(filter).hearing !== "none"));
}

function isOwn(access: Access, agentId: string): boolean {
  return access.may("admin", "observe") || access.may("agents.as", agentId);
}
