import { Code, ConnectError } from "@connectrpc/connect";
import { parseTimeout } from "@connectrpc/connect/protocol-grpc";
import type { Runtime } from "@loom-bridge/protocol";

const timeoutHeader = "grpc-timeout";
const maxTimeoutMs = 2 ** 31 - 1;

/** Takes the deadline out of a request's headers, so that nobody keeps it on another clock than the world's. */
export function takeDeadline(headers: Headers): number | undefined {
  const { timeoutMs } = parseTimeout(headers.get(timeoutHeader), maxTimeoutMs);
  headers.delete(timeoutHeader);
  return timeoutMs;
}

/** Puts a deadline into a request's headers. A time of 0 is none. */
export function putDeadline(headers: Headers, timeoutMs: number | undefined): void {
  if (timeoutMs !== undefined && timeoutMs > 0) headers.set(timeoutHeader, `${Math.min(timeoutMs, 99_999_999)}m`);
}

/** Calls `onLate` when the deadline has passed; returns what takes that back. */
export function keepDeadline(
  runtime: Runtime,
  timeoutMs: number | undefined,
  onLate: (error: ConnectError) => void,
): () => void {
  if (timeoutMs === undefined) return () => {};
  const late = (): void => onLate(new ConnectError("the operation timed out", Code.DeadlineExceeded));
  const timer = runtime.setTimer(late, timeoutMs);
  return () => timer.cancel();
}
