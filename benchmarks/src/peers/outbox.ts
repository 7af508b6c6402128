/** What a stream of Connect pulls its messages from. The window of the benchmark bounds it. */
export class Outbox<Message> implements AsyncIterable<Message> {
  #waiting: Message[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  push(message: Message): void {
    this.#waiting.push(message);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    for (;;) {
      const messages = this.#waiting;
      this.#waiting = [];
      yield* messages;
      if (this.#waiting.length > 0) continue;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
