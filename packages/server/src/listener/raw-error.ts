import { Code, ConnectError } from "@connectrpc/connect";
import { type ErrorCode, LoomError } from "@loom-bridge/protocol";

/** What splitter and writer find wrong with messages. */
const codes: Partial<Record<ErrorCode, Code>> = {
  internal: Code.Internal,
  resource_exhausted: Code.ResourceExhausted,
};

/** The status of a call whose bytes are wrong; of any other error nothing but `internal`. */
export function toConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  const code = LoomError.isInstance(error) ? codes[error.code] : undefined;
  if (code === undefined) return new ConnectError("internal error", Code.Internal);
  return new ConnectError((error as LoomError).rawMessage, code);
}
