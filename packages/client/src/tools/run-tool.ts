import type { MessageInitShape } from "@bufbuild/protobuf";
import { limits } from "@loom-bridge/protocol";
import { type ToolResultSchema, ToolStatus } from "@loom-bridge/protocol/messages";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { ToolError } from "../errors/tool-error.ts";
import type { Tool } from "./define-tool.ts";
import type { ToolContext } from "./tool-context.ts";

/** The bridge passes on no more, and a frame that is too large would be no answer at all. */
const maxMessageLength = 4096;

export type ToolResultInit = MessageInitShape<typeof ToolResultSchema>;

/**
 * Runs a tool for a call. Whatever goes wrong is a result. It is a promise only where there is something to wait for:
 * who called waits for every turn of the promises.
 */
export function runTool(
  { input, output, run }: Tool,
  argumentsJson: string,
  context: ToolContext,
): ToolResultInit | Promise<ToolResultInit> {
  try {
    const checked = check(input, parse(argumentsJson), invalidArguments);
    const returned = after(checked, (args) => run(args, context));
    const result = output === undefined ? returned : after(returned, (value) => check(output, value, invalidResult));
    return isThenable(result) ? Promise.resolve(result).then(success).catch(failure) : success(result);
  } catch (error) {
    return failure(error);
  }
}

function after(value: unknown, next: (value: unknown) => unknown): unknown {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value);
}

function success(result: unknown): ToolResultInit {
  return withinLimit(stringify(result));
}

/** The result that says why a call has no output. */
export function failure(error: unknown): ToolResultInit {
  if (error instanceof ToolError) {
    const { toolCode: code, rawMessage: message, details } = error;
    return { status: error.status, error: { code, message, details: { ...details } } };
  }
  return { status: ToolStatus.TOOL_ERROR, error: { code: "EXECUTION_ERROR", message: messageOf(error) } };
}

/** Anything can be thrown, also what throws when it is asked for its text. */
function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error).slice(0, maxMessageLength);
  } catch {
    return "something without a text was thrown";
  }
}

function stringify(result: unknown): string {
  try {
    // A tool that returns nothing returns null.
    return (JSON.stringify(result) as string | undefined) ?? "null";
  } catch (cause) {
    throw new ToolError("INVALID_RESULT", `the tool returned what JSON cannot say: ${messageOf(cause)}`, { cause });
  }
}

function parse(argumentsJson: string): unknown {
  if (argumentsJson === "") return {};
  try {
    return JSON.parse(argumentsJson);
  } catch (cause) {
    throw invalidArguments("the arguments are no JSON", cause);
  }
}

/** The value as the schema has it; a promise of it where the schema takes its time. */
function check(schema: StandardSchemaV1, value: unknown, refuse: (problem: string) => ToolError): unknown {
  const accept = (result: StandardSchemaV1.Result<unknown>): unknown => {
    if (result.issues === undefined) return result.value;
    throw refuse(result.issues.slice(0, 10).map(describe).join("; "));
  };
  const result = schema["~standard"].validate(value);
  return isThenable(result) ? result.then(accept) : accept(result);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  const mayBe = (typeof value === "object" && value !== null) || typeof value === "function";
  return mayBe && "then" in value && typeof value.then === "function";
}

function describe(issue: StandardSchemaV1.Issue): string {
  const path = issue.path?.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
  return path === undefined || path === "" ? issue.message : `${path}: ${issue.message}`;
}

function withinLimit(output: string): ToolResultInit {
  const bytes = Buffer.byteLength(output);
  if (bytes <= limits.outputBytes) return { status: ToolStatus.TOOL_OK, output };
  throw new ToolError(
    "RESULT_TOO_LARGE",
    `the result is ${bytes} bytes of JSON; at most ${limits.outputBytes} are allowed`,
  );
}

function invalidArguments(problem: string, cause?: unknown): ToolError {
  return new ToolError("INVALID_ARGUMENTS", problem, { status: ToolStatus.TOOL_INVALID_ARGUMENTS, cause });
}

function invalidResult(problem: string): ToolError {
  return new ToolError("INVALID_RESULT", `the tool returned what its output schema refuses: ${problem}`);
}
