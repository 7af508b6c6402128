import { LoomError } from "@loom-bridge/protocol";
import { CommanderError } from "commander";
import { CommandError } from "./command-error.ts";
import { exitCode } from "./exit-code.ts";
import { writeJson } from "./output.ts";
import { createProgram } from "./program.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Runs one command line and returns its exit code. Failures are told on the standard error output, and with --json on
 * the standard output too, as the last line.
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  let code: number = exitCode.ok;
  const program = createProgram(terminal, (commandCode) => {
    code = commandCode;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    // Commander has said what is wrong; --help and --version come here too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
    const failure = toCommandError(error);
    terminal.writeError(`loom-bridge: ${failure.message}\n`);
    if (args.includes("--json")) writeJson(terminal, { event: "failed", code: failure.code, message: failure.message });
    return failure.exitCode;
  }
}

function toCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (LoomError.isInstance(error)) {
    const code = error.code === "invalid_argument" ? exitCode.usage : exitCode.failed;
    return new CommandError(code, error.code, error.rawMessage, { cause: error });
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CommandError(exitCode.failed, "internal", text, { cause: error });
}
