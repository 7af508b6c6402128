import { limits } from "@loom-bridge/protocol";
import { checkText } from "./check-text.ts";
import { invalidField } from "./invalid-field.ts";

const controlCharacter = /\p{Cc}/u;

/**
 * Checks a session id: 1 to 128 bytes without control characters.
 * @throws LoomError `invalid_argument` that names the rule.
 */
export function checkSessionId(sessionId: string): void {
  if (sessionId === "") throw invalidField("session_id", "is required; agents use their agent id");
  checkText("session_id", sessionId, "idBytes", limits);
  if (controlCharacter.test(sessionId)) {
    throw invalidField("session_id", `${JSON.stringify(sessionId)} has a control character; leave it out`);
  }
}
