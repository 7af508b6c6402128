import { checkAgentId } from "../session/check-agent-id.ts";
import type { Access } from "./access.ts";
import type { Presented } from "./authenticator.ts";

/** The header in which a call without a session says for which of its agents a principal makes it. */
export const agentHeader = "loom-agent-id";

/**
 * The agent that a call without a session speaks for: the one that it names, or the only one that its principal may be.
 * @throws LoomError `permission_denied` when it names one that it may not be, `invalid_argument` when that is none.
 */
export function agentOf(access: Access, header: Presented["header"]): Access {
  const named = header.get(agentHeader) ?? "";
  if (named !== "") {
    checkAgentId(named);
    access.check("agents.as", named);
    return access.as(named);
  }
  const { allow, deny } = access.principal.grants["agents.as"];
  const [only] = allow;
  if (only === undefined || allow.length > 1 || deny.length > 0 || only.includes("*")) return access;
  const agentId = only.replaceAll("{{subject}}", () => access.principal.subject);
  return agentId.includes("{{") ? access : access.as(agentId);
}
