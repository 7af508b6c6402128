import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { type ErrorCode, LoomError } from "@loom-bridge/protocol";
import { ErrorInfoSchema } from "@loom-bridge/protocol/messages";
import type { Logger } from "../domain/logger.ts";

const codes: Readonly<Record<ErrorCode, Code>> = {
  canceled: Code.Canceled,
  unknown: Code.Unknown,
  invalid_argument: Code.InvalidArgument,
  deadline_exceeded: Code.DeadlineExceeded,
  not_found: Code.NotFound,
  already_exists: Code.AlreadyExists,
  permission_denied: Code.PermissionDenied,
  resource_exhausted: Code.ResourceExhausted,
  failed_precondition: Code.FailedPrecondition,
  aborted: Code.Aborted,
  out_of_range: Code.OutOfRange,
  unimplemented: Code.Unimplemented,
  internal: Code.Internal,
  unavailable: Code.Unavailable,
  data_loss: Code.DataLoss,
  unauthenticated: Code.Unauthenticated,
};

/**
 * What a peer is told of an error: a LoomError whole, with its facts as an ErrorInfo; of any other error nothing but
 * `internal`, while the log has all of it.
 */
export function toConnectError(error: unknown, logger: Logger): ConnectError {
  if (error instanceof ConnectError) return error;
  if (!LoomError.isInstance(error)) {
    logger.error("a request failed for a reason that is the bridge's", { error });
    return new ConnectError("internal error", Code.Internal);
  }
  if (isDefect(error)) logger.error("a request failed for a reason that is the bridge's", { error });
  const info = { desc: ErrorInfoSchema, value: { retryable: error.retryable, details: { ...error.details } } };
  return new ConnectError(error.rawMessage, codes[error.code], undefined, [info], error);
}

/** A LoomError with a cause that the bridge, not the peer, has to mend. */
function isDefect({ code, cause }: LoomError): boolean {
  return cause !== undefined && (code === "internal" || code === "data_loss" || code === "unavailable");
}

/** Why a call's signal aborted: its deadline, the bridge's end, or a client that gave up. */
export function abortReason(signal: AbortSignal): ConnectError {
  return ConnectError.from(signal.reason, Code.Canceled);
}

/** Maps the errors of unary calls. Streams map their own, so that no message on them costs an interceptor. */
export function createErrorInterceptor(logger: Logger): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return await next(request);
    try {
      return await next(request);
    } catch (error) {
      throw toConnectError(error, logger);
    }
  };
}
