import type { ConnectError } from "@connectrpc/connect";

/**
 * Whether a transport threw an error of Connect. Told by its shape, as Connect itself does for errors of another copy
 * of it: its class would bring 53 modules, which are a quarter of the time that importing the client takes, and which
 * only a transport needs.
 */
export function isConnectError(error: unknown): error is ConnectError {
  return (
    error instanceof Error &&
    error.name === "ConnectError" &&
    "code" in error &&
    typeof error.code === "number" &&
    "rawMessage" in error &&
    typeof error.rawMessage === "string" &&
    "details" in error &&
    Array.isArray(error.details)
  );
}
