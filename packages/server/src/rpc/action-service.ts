import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { ActionService } from "@loom-bridge/protocol/messages";
import type { ToolBroker } from "../domain/tools/tool-broker.ts";
import type { ToolRegistry } from "../domain/tools/tool-registry.ts";
import { fromRegisteredTool, fromToolOutcome, toCallRequest } from "./tool-mapping.ts";

export interface ActionServiceOptions {
  readonly broker: ToolBroker;
  readonly registry: ToolRegistry;
  /**
   * The agent that a request comes from. Default: nobody, since a request without a session says of itself what it
   * likes. All who are nobody share their call ids.
   */
  readonly callerOf?: (context: HandlerContext) => string;
}

/** Tools by unary calls. Errors of the domain are thrown as they are. */
export function createActionService(options: ActionServiceOptions): ServiceImpl<typeof ActionService> {
  const { broker, registry, callerOf = () => "" } = options;
  return {
    async forwardToolCall(call, context) {
      const request = { ...toCallRequest(call), caller: callerOf(context) };
      const { id, outcome } = await broker.call(request, context.signal);
      return fromToolOutcome(id, outcome);
    },
    listTools({ prefix }) {
      return { tools: registry.list(prefix).map(fromRegisteredTool) };
    },
  };
}
