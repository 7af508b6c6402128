import { LoomError } from "@loom-bridge/protocol";
import type { Access } from "../access/access.ts";
import type { Journal } from "../journal/journal.ts";
import type { ToolBroker } from "./tool-broker.ts";
import type { ToolCallRequest, ToolCallResult } from "./tool-call.ts";
import { refusedCall } from "./tool-outcome.ts";

/** A call as it came: who calls is not its own to say. */
export type UnsignedCall = Omit<ToolCallRequest, "caller" | "principal">;

/** Makes calls for those who may. */
export type CallAs = (access: Access, call: UnsignedCall, signal: AbortSignal) => Promise<ToolCallResult>;

/** A call that is not allowed ends as `permission_denied`, whether there is such a tool or not. */
export function createCallAs(broker: Pick<ToolBroker, "call">, journal: Journal): CallAs {
  return async (access, call, signal) => {
    const caller = access.agentId ?? "";
    try {
      access.check("tools.call", call.name);
    } catch (error) {
      if (LoomError.isInstance(error)) journal.record("refused", call.id, caller, call.name, error.message);
      throw refusedCall(error);
    }
    return await broker.call({ ...call, caller, principal: access.principal.subject }, signal);
  };
}
