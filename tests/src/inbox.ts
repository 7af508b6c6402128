import type { Envelope } from "@loom-bridge/client";

/** Collects what an agent receives, and lets a test wait for it. */
export class Inbox {
  readonly envelopes: Envelope[] = [];
  #waiting: { count: number; resolve: () => void }[] = [];

  readonly onEvent = (_context: unknown, envelope: Envelope): void => {
    this.envelopes.push(envelope);
    this.#waiting = this.#waiting.filter(({ count, resolve }) => {
      if (this.envelopes.length < count) return true;
      resolve();
      return false;
    });
  };

  /** Resolves with everything received, as soon as that is so many. */
  async received(count: number): Promise<readonly Envelope[]> {
    if (this.envelopes.length < count) {
      await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
    }
    return this.envelopes;
  }

  async texts(count: number): Promise<string[]> {
    return (await this.received(count)).map((envelope) => envelope.text());
  }
}
