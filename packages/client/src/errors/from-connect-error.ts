import type { Code, ConnectError } from "@connectrpc/connect";
import { type ErrorCode, LoomError } from "@loom-bridge/protocol";
import { ErrorInfoSchema } from "@loom-bridge/protocol/messages";
import { ConnectionError } from "./connection-error.ts";
import { isConnectError } from "./is-connect-error.ts";

/**
 * Turns whatever a transport threw into an error of our family. An error that the bridge sent keeps its code. An
 * error that was made on this side speaks of the connection, whatever its code: a bridge that dies shows as canceled,
 * aborted or internal, by chance.
 */
export function fromConnectError(error: unknown, what: string, address: string): LoomError {
  if (LoomError.isInstance(error)) return error;
  if (!isConnectError(error)) {
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

/** By the numbers of gRPC, for `Code` would bring all of Connect. https://grpc.io/docs/guides/status-codes/ */
const errorCodes: Readonly<Record<Code, ErrorCode>> = {
  1: "canceled",
  2: "unknown",
  3: "invalid_argument",
  4: "deadline_exceeded",
  5: "not_found",
  6: "already_exists",
  7: "permission_denied",
  8: "resource_exhausted",
  9: "failed_precondition",
  10: "aborted",
  11: "out_of_range",
  12: "unimplemented",
  13: "internal",
  14: "unavailable",
  15: "data_loss",
  16: "unauthenticated",
};
