import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "@loom-bridge/protocol/messages";
import { codeName } from "../remote/remote-failure.ts";
import { type Finding, failed, skipped } from "./finding.ts";

/** What a failed call says of a bridge. */
export function explainCall(error: unknown, timeoutMs: number): Finding {
  if (!(error instanceof ConnectError)) throw error;
  const seen = `${codeName(error)}: ${error.rawMessage}`;
  // The bridge is well and knows its rules: what these credentials may not do says nothing of it.
  if (error.findDetails(ErrorInfoSchema)[0]?.details["act"] !== undefined) return skipped(error.rawMessage);
  const known = advice[error.code];
  if (error.code === Code.DeadlineExceeded) return failed(`no answer within ${timeoutMs} ms`, loaded);
  return failed(seen, known ?? "Look for the reason in the bridge's log.");
}

const loaded = "The bridge may be overloaded, or something else listens there. Look at the bridge's log.";

const advice: Partial<Record<Code, string>> = {
  [Code.Unimplemented]: "This bridge is older than this command. Update it.",
  [Code.Unauthenticated]: "Give a token with --token or LOOM_BRIDGE_TOKEN.",
  [Code.PermissionDenied]: "The token does not allow this. Use another with --token or LOOM_BRIDGE_TOKEN.",
  [Code.Unavailable]: "The bridge is stopping or just stopped. Try again, or start it: loom-bridge up",
  [Code.ResourceExhausted]: "The bridge is at one of its limits, named above.",
};
