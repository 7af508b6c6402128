/** Where the client reports what an author should know. Facts are plain values; never payloads or secrets. */
export interface Logger {
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void;
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
  error(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

const nothing = (): void => {};

/** Reports nothing. The default: a library that prints unasked is in the way. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
