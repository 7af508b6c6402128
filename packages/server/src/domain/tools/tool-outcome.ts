import { LoomError, limits } from "@loom-bridge/protocol";
import { inspectJson, type JsonHarm, type JsonRules } from "./check-json.ts";
import type { ToolOutcome } from "./tool.ts";

/** Models and agents read it: as deep as arguments, and as many values as a page of results has. */
const outputRules: JsonRules = { maxDepth: limits.argumentsDepth, maxValues: 100_000, of: "output" };

/** A call that has no output. */
export type ToolFailureOutcome = Exclude<ToolOutcome, { status: "ok" }>;

/** Says in the details of a failure that the call never reached a provider. */
const notRun = { outcome: "NOT_RUN" };
/** Says in the details of a failure that the call reached a provider, and nobody knows what came of it. */
const unknown = { outcome: "UNKNOWN" };

/** Whether nobody knows if the tool ran. */
export function isUnknown(outcome: ToolOutcome): outcome is ToolFailureOutcome {
  return outcome.status !== "ok" && outcome.details?.["outcome"] === unknown.outcome;
}

/** Adds to the refusal of a call that the tool did not run. Other errors stay as they are. */
export function refusedCall(error: unknown): unknown {
  if (!LoomError.isInstance(error)) return error;
  const { code, rawMessage, retryable, cause, details } = error;
  return new LoomError(code, rawMessage, { retryable, cause, details: { ...notRun, ...details } });
}

/** The failures that the bridge itself finds. Their codes and messages are the same wherever they are found. */
export const toolFailures = {
  notFound: (name: string): ToolFailureOutcome => ({
    status: "not_found",
    code: "NOT_FOUND",
    message: `Tool not found: ${name.length > limits.idBytes ? `${name.slice(0, limits.idBytes)}…` : name}`,
    details: notRun,
  }),
  invalidArguments: ({ problem, limit }: JsonHarm): ToolFailureOutcome => ({
    status: "invalid_arguments",
    code: "INVALID_ARGUMENTS",
    message: `Invalid arguments: ${problem}`,
    details: { ...notRun, ...detailsOf(limit) },
  }),
  timeout: (timeoutMs: number): ToolFailureOutcome => ({
    status: "timeout",
    code: "TIMEOUT",
    message: "Timeout",
    details: { ...unknown, timeout_ms: String(timeoutMs) },
  }),
  /** The caller gave up: after its call had reached a provider, or before. */
  cancelled: (reached: boolean): ToolFailureOutcome => ({
    status: "error",
    code: "CANCELLED",
    message: "Cancelled",
    details: reached ? unknown : notRun,
  }),
  /** The cause stays in the log: it may hold what the caller must not see. */
  defect: (): ToolFailureOutcome => ({
    status: "error",
    code: "EXECUTION_ERROR",
    message: "Internal error: the tool's provider failed; the bridge's log has the cause",
    details: unknown,
  }),
  providerLost: (provider: string): ToolFailureOutcome => ({
    status: "error",
    code: "PROVIDER_LOST",
    message: `Provider lost: ${provider} went away; the tool may have run`,
    details: { ...unknown, provider },
  }),
  /** Its bridge stopped while the call ran, so nobody heard of its end. */
  interrupted: (): ToolFailureOutcome => ({
    status: "error",
    code: "PROVIDER_LOST",
    message: "Provider lost: the bridge stopped while the call ran; the tool may have run",
    details: unknown,
  }),
  notKept: (): ToolFailureOutcome => ({
    status: "error",
    code: "EXECUTION_ERROR",
    message: "Internal error: the result could not be kept; the bridge's log has the cause",
    details: unknown,
  }),
  resultTooLarge: (bytes: number, maxBytes: number): ToolFailureOutcome => ({
    status: "error",
    code: "RESULT_TOO_LARGE",
    message: `Result too large: it has ${bytes} bytes; at most ${maxBytes} are allowed`,
    details: detailsOf({ name: "outputBytes", value: maxBytes }),
  }),
  invalidResult: (problem: string, limit?: JsonHarm["limit"]): ToolFailureOutcome => ({
    status: "error",
    code: "INVALID_RESULT",
    message: `Invalid result: ${problem}`,
    details: detailsOf(limit),
  }),
} as const;

/** Returns the failure that an output is which is too large, no JSON, or harmful. */
export function problemWithOutput(output: string, maxBytes: number): ToolFailureOutcome | undefined {
  const bytes = Buffer.byteLength(output);
  if (bytes > maxBytes) return toolFailures.resultTooLarge(bytes, maxBytes);
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch (error) {
    return toolFailures.invalidResult(`it is not JSON: ${(error as SyntaxError).message}`);
  }
  const found = inspectJson(value, outputRules);
  return typeof found === "number"
    ? undefined
    : toolFailures.invalidResult(`of its values, ${found.problem}`, found.limit);
}

function detailsOf(limit: JsonHarm["limit"]): Readonly<Record<string, string>> {
  return limit === undefined ? {} : { limit: limit.name, value: String(limit.value) };
}
