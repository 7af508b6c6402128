import { LoomError, limits } from "@loom-bridge/protocol";

/**
 * The arguments of a call as JSON text.
 * @throws LoomError `invalid_argument` when they cannot be written as JSON or are too large.
 */
export function encodeArguments(tool: string, args: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(args);
  } catch (cause) {
    throw invalid(tool, "cannot be written as JSON", cause);
  }
  const bytes = Buffer.byteLength(json ?? "");
  if (bytes > limits.argumentsBytes) {
    throw invalid(tool, `are ${bytes} bytes of JSON; at most ${limits.argumentsBytes} are allowed`);
  }
  return json ?? "";
}

function invalid(tool: string, problem: string, cause?: unknown): LoomError {
  return new LoomError("invalid_argument", `the arguments of tool ${JSON.stringify(tool)} ${problem}`, {
    cause,
    details: { field: "arguments" },
  });
}
