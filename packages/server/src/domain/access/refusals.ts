import { LoomError } from "@loom-bridge/protocol";
import type { Act } from "./grants.ts";

const wanted: Readonly<Record<Act, string>> = {
  "agents.as": "be agent",
  "agents.see": "see agent",
  "topics.publish": "publish to topic",
  "topics.subscribe": "subscribe to",
  "tools.call": "call tool",
  "tools.provide": "provide tool",
  "memory.read": "read the memory of session",
  "memory.write": "write the memory of session",
  admin: "do the administrator's",
};

/**
 * The one answer to whatever is not allowed. It repeats what was asked for and tells neither whether that exists nor
 * which rule stands against it.
 */
export function permissionDenied(act: Act, resource: string): LoomError {
  const shown = JSON.stringify(resource.length > 128 ? `${resource.slice(0, 128)}…` : resource);
  return new LoomError(
    "permission_denied",
    `these credentials may not ${wanted[act]} ${shown}; ask the bridge's operator for a grant of ${act}`,
    { details: { act } },
  );
}

/** Ends a stream that was opened under other rules. Its client may come back at once. */
export function rightsChanged(): LoomError {
  return new LoomError("unavailable", "what these credentials may do has changed; come back to go on with it", {
    details: { reason: "GRANTS_CHANGED" },
  });
}

/** Why credentials do not count. */
export type CredentialProblem = "missing" | "invalid" | "expired" | "revoked" | "unbound";

const problems: Readonly<Record<CredentialProblem, string>> = {
  missing:
    'this bridge asks who you are: send "authorization: Bearer <token or key>", or a client certificate if it takes them',
  invalid: "the credentials are not valid here",
  expired: "the credentials have expired; get new ones and come back",
  unbound: "the token is bound to a client certificate that this connection does not show; connect with it",
  revoked: "the credentials are no longer valid; get new ones and come back",
};

/** @param retryable whether whoever can get new credentials should come back with them */
export function unauthenticated(problem: CredentialProblem, retryable = false, cause?: unknown): LoomError {
  return new LoomError("unauthenticated", problems[problem], {
    retryable,
    details: { reason: `CREDENTIALS_${problem.toUpperCase()}` },
    ...(cause === undefined ? {} : { cause }),
  });
}
