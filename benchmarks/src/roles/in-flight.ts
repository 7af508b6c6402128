/** Does the same work over and over, so many at a time, and tells how long each took. */
export async function runInFlight(options: {
  readonly inFlight: number;
  readonly seconds: number;
  readonly work: () => Promise<unknown>;
}): Promise<{ durationsMs: Float64Array; seconds: number }> {
  const durations: number[] = [];
  const startedMs = performance.now();
  const endMs = startedMs + options.seconds * 1000;
  async function lane(): Promise<void> {
    for (let now = performance.now(); now < endMs; ) {
      await options.work();
      const doneMs = performance.now();
      durations.push(doneMs - now);
      now = doneMs;
    }
  }
  await Promise.all(Array.from({ length: options.inFlight }, lane));
  return { durationsMs: Float64Array.from(durations), seconds: (performance.now() - startedMs) / 1000 };
}
