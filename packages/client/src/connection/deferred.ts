/** A promise and the two ways to settle it, for what is decided elsewhere. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>;
  resolve(value: Value): void;
  reject(reason: unknown): void;
}

/** The promise may be left alone: a rejection that nobody sees does not end the process. */
export function createDeferred<Value>(): Deferred<Value> {
  let resolve = (_value: Value): void => {};
  let reject = (_reason: unknown): void => {};
  const promise = new Promise<Value>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise;
    reject = rejectPromise;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
