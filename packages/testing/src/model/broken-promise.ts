/** What a bridge did that it must not, or did not do that it must. */
export class BrokenPromise extends Error {
  override readonly name: string = "BrokenPromise";
  /** The promise, as the project's page of promises names it, such as `P3`. */
  readonly promise: string;

  constructor(promise: string, message: string) {
    super(`${promise}: ${message}`);
    this.promise = promise;
  }
}

/** @throws BrokenPromise when `isKept` is false. */
export function expectKept(isKept: boolean, promise: string, message: string): asserts isKept {
  if (!isKept) throw new BrokenPromise(promise, message);
}
