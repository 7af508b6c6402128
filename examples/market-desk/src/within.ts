/** Waits for a promise, but no longer than so many milliseconds, and not after the signal. */
export async function within<T>(
  limitMs: number,
  signal: AbortSignal,
  what: () => string,
  wait: Promise<T>,
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  const timer = setTimeout(() => reject(new Error(`${what()} within ${limitMs / 1000} s`)), limitMs);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([wait, promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
