import type { LogPosition } from "../../domain/log/event-log.ts";

/** Where the owners of durable subscriptions stand: so many, those saved longest ago are forgotten first. */
export class Positions {
  readonly #positions = new Map<string, LogPosition>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get(owner: string): LogPosition | undefined {
    return this.#positions.get(owner);
  }

  /** Returns the owner that was forgotten for it, if any. */
  set(owner: string, position: LogPosition): string | undefined {
    this.#positions.delete(owner);
    this.#positions.set(owner, position);
    if (this.#positions.size <= this.#max) return undefined;
    const [oldest] = this.#positions.keys();
    if (oldest !== undefined) this.#positions.delete(oldest);
    return oldest;
  }
}
