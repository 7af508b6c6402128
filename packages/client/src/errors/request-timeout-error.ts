import { LoomError } from "@loom-bridge/protocol";

interface RequestTimeoutOptions {
  cause?: unknown;
  /** Default: UNKNOWN. */
  outcome?: "UNKNOWN" | "NOT_SENT";
}

/** No answer came in time. What was asked for may have happened, unless `details.outcome` says that it was not sent. */
export class RequestTimeoutError extends LoomError {
  override name = "RequestTimeoutError";
  readonly timeoutMs: number;

  constructor(what: string, timeoutMs: number, options: RequestTimeoutOptions = {}) {
    super("deadline_exceeded", `${what} got no answer within ${timeoutMs} ms`, {
      cause: options.cause,
      details: { timeoutMs: String(timeoutMs), outcome: options.outcome ?? "UNKNOWN" },
    });
    this.timeoutMs = timeoutMs;
  }
}
