/** Messages from whoever puts some to one reader, and their end. */
export class MessageQueue<Message> implements AsyncIterableIterator<Message> {
  readonly #messages: Message[] = [];
  #end: { readonly error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  put(...messages: Message[]): void {
    this.#messages.push(...messages);
    this.#wake?.();
  }

  end(end: { readonly error?: unknown } = {}): void {
    this.#end ??= end;
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<Message, undefined>> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return { done: false, value: message };
      if (this.#end !== undefined && "error" in this.#end) throw this.#end.error;
      if (this.#end !== undefined) return { done: true, value: undefined };
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async return(): Promise<IteratorResult<Message, undefined>> {
    this.end();
    return { done: true, value: undefined };
  }

  /** Connect gives an iterable up by throwing into it. */
  throw(): Promise<IteratorResult<Message, undefined>> {
    return this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
