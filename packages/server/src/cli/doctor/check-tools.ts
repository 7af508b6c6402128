import { ToolStatus, ToolStatusSchema } from "@loom-bridge/protocol/messages";
import { explainCall } from "./explain-call.ts";
import { type Finding, failed, ok, type Patient } from "./finding.ts";

const unknownTool = "doctor:no-such-tool";

/** Are calls answered, and is the tool that was asked for there? */
export async function checkTools({ remote, timeoutMs, tool }: Patient): Promise<Finding> {
  try {
    const { tools } = await remote.actions.listTools({}, { timeoutMs });
    const call = { name: unknownTool, arguments: "{}", timeoutMs };
    const { status } = await remote.actions.forwardToolCall(call, { timeoutMs });
    if (status !== ToolStatus.TOOL_NOT_FOUND) {
      return failed(
        `calling a tool that nobody provides gave ${ToolStatusSchema.value[status]?.name}`,
        "It should give TOOL_NOT_FOUND. Look at the bridge's log.",
      );
    }
    if (tool === undefined) return ok(`calls are answered; ${tools.length} tools can be called`);
    const found = tools.find(({ name }) => name === tool);
    if (found !== undefined) return ok(`${tool} is there, provided by ${found.providers.join(", ") || "the bridge"}`);
    return failed(
      `nobody provides ${JSON.stringify(tool)}`,
      "Check that its agent is connected (loom-bridge agents), and compare the name with: loom-bridge tools",
    );
  } catch (error) {
    return explainCall(error, timeoutMs);
  }
}
