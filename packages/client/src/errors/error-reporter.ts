import type { Envelope } from "../events/envelope.ts";
import type { Logger } from "../logger.ts";

export type ErrorReporter = (error: unknown, envelope?: Envelope) => void;

/** Brings what went wrong where nobody waits for it to the author's function, or else to the logger. Never throws. */
export function createErrorReporter(
  agentId: string,
  onError: ErrorReporter | undefined,
  logger: Logger,
): ErrorReporter {
  const log: ErrorReporter = (error, envelope) =>
    logger.error("something went wrong where nobody waits for it", { agentId, error, eventId: envelope?.id });
  if (onError === undefined) return log;
  return (error, envelope) => {
    try {
      onError(error, envelope);
    } catch (failure) {
      log(failure, envelope);
    }
  };
}
