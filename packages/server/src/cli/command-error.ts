/** Ends a command: what to tell people, programs and the shell. */
export class CommandError extends Error {
  override name = "CommandError";
  readonly exitCode: number;
  /** For programs: one of the protocol's status codes, such as "not_found". */
  readonly code: string;

  constructor(exitCode: number, code: string, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.exitCode = exitCode;
    this.code = code;
  }
}
