import { type ToolResult, ToolStatus } from "@loom-bridge/protocol/messages";
import { ToolError } from "../errors/tool-error.ts";

/**
 * What a tool has returned.
 * @throws ToolError when the result has no output, or one that is no JSON.
 */
export function readOutput(tool: string, result: ToolResult): unknown {
  if (result.status !== ToolStatus.TOOL_OK) throw ToolError.fromResult(tool, result);
  try {
    return JSON.parse(result.output || "null");
  } catch (cause) {
    const message = `tool ${JSON.stringify(tool)} returned no JSON`;
    throw new ToolError("INVALID_RESULT", message, { callId: result.id, cause });
  }
}
