import { ToolStatus } from "@loom-bridge/protocol/messages";
import { ToolError } from "../errors/tool-error.ts";
import type { CallToolOptions } from "./call-tool-options.ts";
import { encodeArguments } from "./encode-arguments.ts";
import type { ToolCalls } from "./tool-calls.ts";

/** Calls a tool over a stream and reads its output. */
export async function callTool(
  calls: ToolCalls,
  name: string,
  args: unknown,
  options: CallToolOptions,
): Promise<unknown> {
  const { signal, headers = {}, ...call } = options;
  const json = encodeArguments(name, args);
  const result = await calls.call({ ...call, name, arguments: json, headers: { ...headers } }, signal);
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
