import { type ErrorCode, LoomError } from "@loom-bridge/protocol";
import { type ToolResult, ToolStatus } from "@loom-bridge/protocol/messages";

/** What a {@link ToolError} says besides its code and message. */
export interface ToolErrorOptions {
  /** Default: `TOOL_ERROR`. */
  status?: ToolStatus;
  callId?: string;
  details?: Readonly<Record<string, string>>;
  cause?: unknown;
}

/** A call that ended without output. A tool may throw one too, to give its failure a code and details of its own. */
export class ToolError extends LoomError {
  override name = "ToolError";
  readonly status: ToolStatus;
  /** Machine-readable: NOT_FOUND, INVALID_ARGUMENTS, TIMEOUT, EXECUTION_ERROR, … or a word of the tool's own. */
  readonly toolCode: string;
  /** The call, when it had an id. */
  readonly callId: string;

  constructor(toolCode: string, message: string, options: ToolErrorOptions = {}) {
    const code = errorCodes[toolCode] ?? "internal";
    super(code, message, {
      cause: options.cause,
      details: { ...options.details, ...(mayHaveRun.has(toolCode) ? { outcome: "UNKNOWN" } : {}) },
    });
    this.status = options.status ?? ToolStatus.TOOL_ERROR;
    this.toolCode = toolCode;
    this.callId = options.callId ?? "";
  }

  /** The error of a result that is not TOOL_OK. */
  static fromResult(tool: string, result: ToolResult): ToolError {
    const message = `tool ${JSON.stringify(tool)}: ${result.error?.message || `ended with status ${result.status}`}`;
    return new ToolError(result.error?.code || defaultCodes[result.status] || "EXECUTION_ERROR", message, {
      status: result.status,
      callId: result.id,
      details: result.error?.details ?? {},
    });
  }
}

const errorCodes: Readonly<Record<string, ErrorCode>> = {
  NOT_FOUND: "not_found",
  INVALID_ARGUMENTS: "invalid_argument",
  TIMEOUT: "deadline_exceeded",
  PERMISSION_DENIED: "permission_denied",
  CANCELLED: "canceled",
  // The provider left while it had the call.
  PROVIDER_LOST: "unknown",
  RESULT_TOO_LARGE: "resource_exhausted",
  RESOURCE_EXHAUSTED: "resource_exhausted",
  FAILED_PRECONDITION: "failed_precondition",
  UNAVAILABLE: "unavailable",
};

const mayHaveRun: ReadonlySet<string> = new Set(["TIMEOUT", "CANCELLED", "PROVIDER_LOST"]);

const defaultCodes: Readonly<Partial<Record<ToolStatus, string>>> = {
  [ToolStatus.TOOL_TIMEOUT]: "TIMEOUT",
  [ToolStatus.TOOL_NOT_FOUND]: "NOT_FOUND",
  [ToolStatus.TOOL_INVALID_ARGUMENTS]: "INVALID_ARGUMENTS",
};
