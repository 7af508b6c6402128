import { Code, ConnectError } from "@connectrpc/connect";
import { type ErrorCode, LoomError } from "@loom-bridge/protocol";
import { ErrorInfoSchema } from "@loom-bridge/protocol/messages";
import { ConnectionError } from "./connection-error.ts";

/**
 * Turns whatever a transport threw into an error of our family. An error that the bridge sent keeps its code. An
 * error that was made on this side speaks of the connection, whatever its code: a bridge that dies shows as canceled,
 * aborted or internal, by chance.
 */
export function fromConnectError(error: unknown, what: string, address: string): LoomError {
  if (LoomError.isInstance(error)) return error;
  if (!(error instanceof ConnectError)) {
    return new LoomError("internal", `${what} failed: ${messageOf(error)}`, { cause: error });
  }
  const code = errorCodes[error.code];
  if (error.isWireError) return fromBridge(code, error);
  if (error.rawMessage.startsWith("serialize binary")) {
    return new LoomError("invalid_argument", `${what}: ${error.rawMessage}`, { cause: error });
  }
  if (lostConnection.has(code)) {
    return new ConnectionError(address, `${what}: no connection to ${address}: ${error.rawMessage}`, { cause: error });
  }
  return new LoomError(code, `${what}: ${error.rawMessage}`, { cause: error });
}

/** The bridge says with its errors whether to try again, and the facts. Another bridge may not. */
function fromBridge(code: ErrorCode, error: ConnectError): LoomError {
  const [info] = error.findDetails(ErrorInfoSchema);
  const facts = info === undefined ? {} : { retryable: info.retryable, details: info.details };
  return new LoomError(code, error.rawMessage, { cause: error, ...facts });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const lostConnection: ReadonlySet<ErrorCode> = new Set(["canceled", "aborted", "internal", "unknown", "unavailable"]);

const errorCodes: Readonly<Record<Code, ErrorCode>> = {
  [Code.Canceled]: "canceled",
  [Code.Unknown]: "unknown",
  [Code.InvalidArgument]: "invalid_argument",
  [Code.DeadlineExceeded]: "deadline_exceeded",
  [Code.NotFound]: "not_found",
  [Code.AlreadyExists]: "already_exists",
  [Code.PermissionDenied]: "permission_denied",
  [Code.ResourceExhausted]: "resource_exhausted",
  [Code.FailedPrecondition]: "failed_precondition",
  [Code.Aborted]: "aborted",
  [Code.OutOfRange]: "out_of_range",
  [Code.Unimplemented]: "unimplemented",
  [Code.Internal]: "internal",
  [Code.Unavailable]: "unavailable",
  [Code.DataLoss]: "data_loss",
  [Code.Unauthenticated]: "unauthenticated",
};
