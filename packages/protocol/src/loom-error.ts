/**
 * What kind of failure an error is: the status codes of gRPC, in the spelling of Connect.
 * https://grpc.io/docs/guides/status-codes/
 */
export type ErrorCode =
  | "canceled"
  | "unknown"
  | "invalid_argument"
  | "deadline_exceeded"
  | "not_found"
  | "already_exists"
  | "permission_denied"
  | "resource_exhausted"
  | "failed_precondition"
  | "aborted"
  | "out_of_range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "data_loss"
  | "unauthenticated";

/** What a {@link LoomError} says besides its code and message. */
export interface LoomErrorOptions {
  /** Whether the same attempt may succeed later. Default: true for `unavailable` and `aborted`, false otherwise. */
  retryable?: boolean;
  /** What was caught. */
  cause?: unknown;
  /** Facts for programs: the field, the limit, the value. */
  details?: Readonly<Record<string, string>>;
}

const brand = Symbol.for("loom-bridge.error");
const retryableCodes: ReadonlySet<ErrorCode> = new Set(["unavailable", "aborted"]);

/**
 * The base of every error that Loom Bridge makes. The code stands at the start of the message too, because logs and
 * developer tools often show nothing else.
 */
export class LoomError extends Error {
  override name = "LoomError";
  readonly code: ErrorCode;
  /** The message without the code. */
  readonly rawMessage: string;
  /** Whether the same attempt may succeed later. */
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, options: LoomErrorOptions = {}) {
    super(`[${code}] ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.rawMessage = message;
    this.retryable = options.retryable ?? retryableCodes.has(code);
    this.details = options.details ?? {};
  }

  /** @internal On the prototype, where it is not printed with every error. */
  get [brand](): true {
    return true;
  }

  /** Tells a LoomError, also one that another copy of this package made. */
  static isInstance(value: unknown): value is LoomError {
    return typeof value === "object" && value !== null && brand in value;
  }
}
