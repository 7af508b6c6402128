import type { Access } from "../access/access.ts";
import { agentHeader } from "../access/speaking-agent.ts";
import type { SessionRegistry } from "./session-registry.ts";

/**
 * Lets nobody speak for an agent that another principal has connected, where both may be it. Who names it is refused; who
 * would speak for it unasked speaks for no agent.
 * @throws LoomError `permission_denied`.
 */
export function speakerOf(access: Access, sessions: Pick<SessionRegistry, "get">): Access {
  const { agentId, principal, presented } = access;
  const live = agentId === undefined ? undefined : sessions.get(agentId);
  if (agentId === undefined || live === undefined || live.access.principal.subject === principal.subject) return access;
  if (!presented?.header.get(agentHeader)) return access.withoutAgent();
  throw access.deny("agents.as", agentId, "it is another principal's now");
}
