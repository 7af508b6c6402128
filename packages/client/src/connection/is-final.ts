import type { ErrorCode, LoomError } from "@loom-bridge/protocol";

/** Ends of a stream that another attempt would meet again, or, when superseded, inflict on the newer session. */
const finalCodes: ReadonlySet<ErrorCode> = new Set([
  "aborted",
  "already_exists",
  "unauthenticated",
  "permission_denied",
  "invalid_argument",
  "failed_precondition",
  "unimplemented",
]);

/** Whether an agent whose stream ended so must not come back by itself. */
export function isFinal({ code }: LoomError): boolean {
  return finalCodes.has(code);
}
