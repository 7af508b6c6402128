import type { PublishOutcome } from "./publish-outcome.ts";

export interface Remembered {
  readonly sender: string;
  readonly atMs: number;
  readonly outcome: PublishOutcome | Promise<PublishOutcome>;
}

/** Publishes of about the same time, found by id and sender, and forgotten together. */
export class PublishGeneration {
  readonly beganMs: number;
  /** When the last was added. */
  endedMs: number;
  readonly #byId = new Map<string, Remembered>();
  /** By sender and id, where the id is another sender's too. Senders have no blanks. */
  readonly #others = new Map<string, Remembered>();

  constructor(beganMs: number) {
    this.beganMs = beganMs;
    this.endedMs = beganMs;
  }

  get size(): number {
    return this.#byId.size + this.#others.size;
  }

  get(sender: string, id: string): Remembered | undefined {
    const found = this.#byId.get(id);
    if (found?.sender === sender) return found;
    return this.#others.size === 0 ? undefined : this.#others.get(`${sender} ${id}`);
  }

  set(id: string, remembered: Remembered): void {
    const { sender } = remembered;
    const found = this.#byId.get(id);
    if (found === undefined || found.sender === sender) this.#byId.set(id, remembered);
    else this.#others.set(`${sender} ${id}`, remembered);
  }

  /** Puts another in the place of one, or nothing, if it is still there. */
  replace(id: string, expected: Remembered, next: Remembered | undefined): void {
    const { sender } = expected;
    if (this.get(sender, id) !== expected) return;
    if (next !== undefined) this.set(id, next);
    else if (this.#byId.get(id) === expected) this.#byId.delete(id);
    else this.#others.delete(`${sender} ${id}`);
  }
}
