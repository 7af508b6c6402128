import { Code, ConnectError } from "@connectrpc/connect";
import { CommandError } from "../command-error.ts";
import { exitCode } from "../exit-code.ts";

/** How long a command waits for an answer. */
export const answerTimeoutMs: number = 10_000;

/** Turns what a call threw into what the user is told. An error that the bridge sent keeps its code. */
export function remoteFailure(error: unknown, origin: string): unknown {
  if (!(error instanceof ConnectError)) return error;
  const code = codeName(error);
  if (!isUnreachable(error)) return new CommandError(exitCode.failed, code, error.rawMessage, { cause: error });
  const message =
    `no bridge answers at ${origin} (${error.rawMessage}). Start one with "loom-bridge up", ` +
    'or let "loom-bridge doctor" find out what is wrong.';
  return new CommandError(exitCode.unreachable, "unavailable", message, { cause: error });
}

/** The status code of an error, in the protocol's spelling: "not_found". */
export function codeName(error: ConnectError): string {
  return Code[error.code].replaceAll(/(?<=[a-z])[A-Z]/g, "_$&").toLowerCase();
}

/**
 * Without an answer there is only what this side made of a broken or missing connection, and its codes differ by
 * chance. A bridge that says UNAVAILABLE itself is stopping.
 */
function isUnreachable(error: ConnectError): boolean {
  return error.code === Code.Unavailable || (!error.isWireError && lostConnection.has(error.code));
}

const lostConnection: ReadonlySet<Code> = new Set([
  Code.Canceled,
  Code.Aborted,
  Code.Internal,
  Code.Unknown,
  Code.DeadlineExceeded,
  // HTTP 404: somebody else's server.
  Code.Unimplemented,
]);
