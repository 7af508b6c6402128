import { LoomError } from "@loom-bridge/protocol";

/**
 * The stream ended after something was sent and before its answer came: it may have happened or not. Repeat it only
 * if doing it twice does no harm.
 */
export class OutcomeUnknownError extends LoomError {
  override name = "OutcomeUnknownError";

  constructor(what: string, cause?: unknown) {
    super("unknown", `${what} was sent, and the stream ended before the answer came; it may have happened`, {
      cause,
      details: { outcome: "UNKNOWN" },
    });
  }
}
