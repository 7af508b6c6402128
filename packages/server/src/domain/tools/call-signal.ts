/** What ends a call that nobody waits for any more. An AbortSignal is one. */
export interface CallSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Ends one call, of which one at a time wants to know. An AbortController costs more than the rest of a short call. */
export class CallCancel implements CallSignal {
  #aborted = false;
  #listener: (() => void) | undefined;

  get aborted(): boolean {
    return this.#aborted;
  }

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listener = listener;
  }

  removeEventListener(): void {
    this.#listener = undefined;
  }

  cancel(): void {
    this.#aborted = true;
    this.#listener?.();
  }
}
