/** Aborts `controller` as soon as one of the signals does. Returns a function that takes the link back. */
export function linkSignals(controller: AbortController, signals: readonly (AbortSignal | undefined)[]): () => void {
  const abort = (): void => controller.abort();
  for (const signal of signals) {
    if (signal?.aborted) controller.abort();
    signal?.addEventListener("abort", abort);
  }
  return () => {
    for (const signal of signals) signal?.removeEventListener("abort", abort);
  };
}
