import { LoomError } from "@loom-bridge/protocol";

/** What a restart of a bridge takes, about; clients add their own spread to it. */
const retryAfterMs = 1000;

/** Why streams end when the bridge does, and when to come back. */
export function shutdownError(reason: string): LoomError {
  return new LoomError("unavailable", reason, { details: { retry_after_ms: String(retryAfterMs) } });
}
