/** Why a bridge's own tool gives no result, as its callers are told. */
export type ToolFailureReason = "EXECUTION_ERROR" | "PERMISSION_DENIED" | "INVALID_ARGUMENTS";

/**
 * Thrown by a bridge's own tool to fail with words for the caller; any other error is kept from the caller as a defect
 * of the tool. There is no NOT_FOUND: that code means that there is no such tool, and a missing file must not look so.
 */
export class ToolFailure extends Error {
  override name = "ToolFailure";
  readonly code: ToolFailureReason;
  readonly details: Readonly<Record<string, string>>;

  constructor(
    code: ToolFailureReason,
    message: string,
    options: { details?: Readonly<Record<string, string>>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}
