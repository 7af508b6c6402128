import type { Runtime } from "@loom-bridge/protocol";
import { ToolStatus } from "@loom-bridge/protocol/messages";
import { ToolError } from "../errors/tool-error.ts";
import { toChain } from "../events/event-chain.ts";
import type { CallToolOptions } from "./call-tool-options.ts";
import type { Tool } from "./define-tool.ts";
import { encodeArguments } from "./encode-arguments.ts";
import { servedIsOver, servedRef } from "./served-calls.ts";
import type { ToolCalls } from "./tool-calls.ts";

/** Calls a tool over an agent's stream and reads its output. */
export async function callTool(
  calls: ToolCalls,
  runtime: Runtime,
  tool: string | Tool,
  args: unknown,
  options: CallToolOptions,
): Promise<unknown> {
  const { signal, headers = {}, onBehalfOf, chain = onBehalfOf?.chain, ...call } = options;
  const served = onBehalfOf === undefined ? 0 : servedRef(onBehalfOf);
  const { name, effect } = typeof tool === "string" ? { name: tool, effect: undefined } : tool;
  if (served === undefined) throw servedIsOver(name);
  const json = encodeArguments(name, args);
  const key = options.idempotencyKey ?? (effect === "idempotent" ? runtime.uuid() : "");
  const repeatable = key !== "" || effect === "read";
  const result = await calls.call(
    {
      ...call,
      idempotencyKey: key,
      name,
      arguments: json,
      headers: { ...headers },
      ...(chain === undefined ? {} : { chain: toChain(chain) }),
    },
    { repeatable, signal, onBehalfOf: served },
  );
  if (result.status !== ToolStatus.TOOL_OK) throw ToolError.fromResult(name, result);
  try {
    return JSON.parse(result.output || "null");
  } catch (cause) {
    throw new ToolError("INVALID_RESULT", `tool ${JSON.stringify(name)} returned no JSON`, {
      callId: result.id,
      cause,
    });
  }
}
