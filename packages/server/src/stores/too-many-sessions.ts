import { LoomError } from "@loom-bridge/protocol";

/** The refusal of a write that would begin one session too many. */
export function tooManySessions(limit: number): LoomError {
  return new LoomError(
    "resource_exhausted",
    `memory holds ${limit} sessions, and its limit "sessions" is ${limit}; raise the limit or use a session that exists`,
    { details: { limit: "sessions", value: String(limit) } },
  );
}
