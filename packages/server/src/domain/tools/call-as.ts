import { LoomError } from "@loom-bridge/protocol";
import type { Access } from "../access/access.ts";
import { maxHops } from "../chain.ts";
import type { Journal } from "../journal/journal.ts";
import type { CallSignal } from "./call-signal.ts";
import type { ToolBroker } from "./tool-broker.ts";
import type { ToolCallRequest, ToolCallResult } from "./tool-call.ts";
import { refusedCall } from "./tool-outcome.ts";
import { quote } from "./tool-rules.ts";

/** A call as it came: who calls is not its own to say. */
export interface UnsignedCall extends Omit<ToolCallRequest, "caller" | "principal" | "authority"> {
  /** For whom the call is made that this one is a part of. Default: the caller calls for itself. */
  readonly onBehalfOf?: readonly Access[];
}

/** Makes calls for those who may. */
export type CallAs = (access: Access, call: UnsignedCall, signal: CallSignal) => Promise<ToolCallResult>;

/** A call that is not allowed ends as `permission_denied`, whether there is such a tool or not. */
export function createCallAs(broker: Pick<ToolBroker, "call">, journal: Journal): CallAs {
  return (access, call, signal) => {
    const { onBehalfOf = [] } = call;
    const caller = access.agentId ?? "";
    try {
      access.check("tools.call", call.name);
      for (const each of onBehalfOf) checkOther(each, call.name);
      if (onBehalfOf.length >= maxHops) throw tooManyCallers();
    } catch (error) {
      if (LoomError.isInstance(error)) journal.record("refused", call.id, caller, call.name, error.message);
      return Promise.reject(refusedCall(error));
    }
    const authority = [...onBehalfOf, access];
    return broker.call({ ...call, caller, principal: access.principal.subject, authority }, signal);
  };
}

/** Whoever serves a call can do no more in its name than those who made it. */
function checkOther(other: Access, tool: string): void {
  if (other.may("tools.call", tool)) return;
  other.deny("tools.call", tool, other.decide("tools.call", tool).rule);
  const who = other.agentId === undefined ? "the client" : `agent ${quote(other.agentId)}`;
  const problem = `${who} on whose behalf the call is made may not call tool ${quote(tool)}; call for yourself if it is yours to decide`;
  throw new LoomError("permission_denied", problem, { details: { act: "tools.call" } });
}

function tooManyCallers(): LoomError {
  const problem = `the call is made on behalf of ${maxHops} others, the most allowed; end what may be a loop`;
  return new LoomError("failed_precondition", problem, { details: { limit: "hops", value: String(maxHops) } });
}
