import { ToolStatus, ToolStatusSchema } from "@loom-bridge/protocol/messages";
import { exitCode } from "../exit-code.ts";
import { printable, writeJson, writeLine } from "../output.ts";
import { type ConnectionOptions, withConnection } from "../remote/connection-options.ts";
import { answerTimeoutMs } from "../remote/remote-failure.ts";
import type { Terminal } from "../terminal.ts";
import { readArgument } from "./read-argument.ts";

export interface CallOptions extends ConnectionOptions {
  /** What the tool may take, in milliseconds. */
  readonly timeout: number;
}

/** Calls a tool and shows what it returned. A tool that fails makes the command fail. */
export function call(
  terminal: Terminal,
  options: CallOptions,
  name: string,
  given: string | undefined,
): Promise<number> {
  return withConnection(terminal, options, async ({ remote }) => {
    const args = await readArgument(terminal, given);
    // The bridge ends the call in time; this only guards against one that has gone.
    const deadline = { timeoutMs: options.timeout + answerTimeoutMs };
    const result = await remote.actions.forwardToolCall(
      { name, arguments: args, timeoutMs: options.timeout },
      deadline,
    );
    const { status, error, output } = result;
    const statusName = ToolStatusSchema.value[status]?.name ?? String(status);
    if (options.json) {
      const failure = error && { code: error.code, message: error.message, details: error.details };
      writeJson(terminal, { id: result.id, status: statusName, output: parsed(output), error: failure });
    } else if (status === ToolStatus.TOOL_OK) {
      writeLine(terminal, printable(output));
    } else {
      terminal.writeError(`${statusName} ${error?.code}: ${printable(error?.message ?? "")}\n`);
    }
    return status === ToolStatus.TOOL_OK ? exitCode.ok : exitCode.failed;
  });
}

function parsed(output: string): unknown {
  return output === "" ? undefined : JSON.parse(output);
}
