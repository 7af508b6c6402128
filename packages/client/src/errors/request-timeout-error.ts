import { LoomError } from "@loom-bridge/protocol";

/** No answer came in time. What was asked for may have happened. */
export class RequestTimeoutError extends LoomError {
  override name = "RequestTimeoutError";
  readonly timeoutMs: number;

  constructor(what: string, timeoutMs: number, options: { cause?: unknown } = {}) {
    super("deadline_exceeded", `${what} got no answer within ${timeoutMs} ms`, {
      cause: options.cause,
      details: { timeoutMs: String(timeoutMs), outcome: "UNKNOWN" },
    });
    this.timeoutMs = timeoutMs;
  }
}
