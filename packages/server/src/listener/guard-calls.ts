import { ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Breaches } from "../domain/breaches.ts";
import type { Logger } from "../domain/logger.ts";

/**
 * Ends every call when its signal aborts (deadline, client gone, shutdown), whatever its handler is doing, and reports
 * handlers that fail. Connect alone aborts the signal and waits for the handler.
 */
export function guardCalls(logger: Logger, breaches: Breaches): Interceptor {
  return (next) => async (request) => {
    const { signal } = request;
    const report = (error: unknown): void => {
      if (error instanceof ConnectError) breaches.countError(error.cause);
      // A status is meant for the caller: of messages that nobody can read, or of a defect that was reported by whoever
      // made a status of it.
      if (error === signal.reason || error instanceof ConnectError) return;
      logger.error("a call failed", { rpc: `${request.service.typeName}/${request.method.name}`, error });
    };
    const response = await endWith(signal, () => next(request), report);
    if (!response.stream) return response;
    return { ...response, message: endStreamWith(signal, response.message, report) };
  };
}

/** Settles as the work does, or rejects with the signal's reason, whichever is first. */
function endWith<T>(signal: AbortSignal, work: () => Promise<T>, report: (error: unknown) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    work()
      .then(resolve, (error: unknown) => {
        report(error);
        reject(error);
      })
      .finally(() => signal.removeEventListener("abort", abort));
  });
}

function endStreamWith<T>(
  signal: AbortSignal,
  messages: AsyncIterable<T>,
  report: (error: unknown) => void,
): AsyncIterable<T> {
  const inner = messages[Symbol.asyncIterator]();
  let rejectNext: ((reason: unknown) => void) | undefined;

  const finish = (): Promise<void> => (inner.return?.() ?? Promise.resolve()).then(() => undefined, report);
  signal.addEventListener(
    "abort",
    () => {
      rejectNext?.(signal.reason);
      // A handler that waits at a yield cleans up now; one that waits elsewhere does when it wakes.
      void finish();
    },
    { once: true },
  );

  const iterator: AsyncIterator<T> = {
    next: () =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        rejectNext = reject;
        inner.next().then(resolve, (error: unknown) => {
          report(error);
          reject(error);
        });
      }),
    async return() {
      await finish();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
