/**
 * Lets one loop sleep until there is something to do. Calls to `wake` while nobody waits are remembered, once, so no
 * wake-up is lost and none costs more than a flag.
 */
export class Wakeup {
  #awake = false;
  #resolve: (() => void) | undefined;

  /** Ends the wait in hand, or the next one. */
  wake(): void {
    const resolve = this.#resolve;
    if (resolve === undefined) {
      this.#awake = true;
    } else {
      this.#resolve = undefined;
      resolve();
    }
  }

  /** Waits for `wake`. Only one caller may wait at a time. */
  wait(): Promise<void> {
    if (this.#awake) {
      this.#awake = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }
}
