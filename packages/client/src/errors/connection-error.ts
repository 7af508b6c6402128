import { type ErrorCode, LoomError } from "@loom-bridge/protocol";

/** The bridge cannot be reached, or the connection to it was lost. */
export class ConnectionError extends LoomError {
  override name = "ConnectionError";
  /** The bridge's address, as a URL. */
  readonly address: string;

  constructor(address: string, message: string, options: { code?: ErrorCode; cause?: unknown } = {}) {
    super(options.code ?? "unavailable", message, { cause: options.cause, details: { address } });
    this.address = address;
  }
}
