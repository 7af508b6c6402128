import type { ServiceImpl } from "@connectrpc/connect";
import type { ActionService } from "@loom-bridge/protocol/messages";
import type { CallAs } from "../domain/tools/call-as.ts";
import type { ToolRegistry } from "../domain/tools/tool-registry.ts";
import { accessOf } from "./access-of.ts";
import { fromRegisteredTool, fromToolOutcome, toCallRequest } from "./tool-mapping.ts";

export interface ActionServiceOptions {
  readonly callAs: CallAs;
  readonly registry: ToolRegistry;
}

/** Tools by unary calls. Errors of the domain are thrown as they are. */
export function createActionService(options: ActionServiceOptions): ServiceImpl<typeof ActionService> {
  const { callAs, registry } = options;
  return {
    async forwardToolCall(call, context) {
      const { id, outcome } = await callAs(accessOf(context), toCallRequest(call), context.signal);
      return fromToolOutcome(id, outcome);
    },
    listTools({ prefix }, context) {
      const access = accessOf(context);
      const tools = registry.list(prefix).filter(({ descriptor: { name } }) => access.may("tools.call", name));
      return { tools: tools.map((tool) => fromRegisteredTool(tool)) };
    },
  };
}
