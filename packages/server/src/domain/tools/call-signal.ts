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
    if (this.#listener !== undefined) throw new Error("a call is waited for by one at a time");
    this.#listener = listener;
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    if (this.#listener === listener) this.#listener = undefined;
  }

  cancel(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#listener?.();
  }
}
