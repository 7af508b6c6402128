import type { EventLog, LogPosition } from "../log/event-log.ts";

/** How many events may be done above one that is not. More of them wait, so that a position stays small. */
const maxDoneAbove = 1024;

/** Keeps in the log how far a durable subscription, or a group, has come. */
export class PositionKeeper {
  readonly #log: EventLog;
  readonly #owner: string;
  /** Offsets that were taken and are not done, in order. */
  readonly #pending = new Set<number>();
  /** Offsets that are done above the first that is not. */
  readonly #done: Set<number>;
  #offset: number;
  #taken: number;

  constructor(log: EventLog, owner: string, position: LogPosition) {
    this.#log = log;
    this.#owner = owner;
    this.#offset = position.offset;
    this.#taken = position.offset;
    this.#done = new Set(position.above);
  }

  /** Whether no more should be taken until the first is done. */
  get isFull(): boolean {
    return this.#done.size >= maxDoneAbove;
  }

  isDone(offset: number): boolean {
    return offset <= this.#offset || this.#done.has(offset);
  }

  taken(offset: number): void {
    if (offset === 0) return;
    this.#pending.add(offset);
    this.#taken = Math.max(this.#taken, offset);
  }

  done(offset: number): void {
    if (!this.#pending.delete(offset)) return;
    this.#done.add(offset);
    this.save();
  }

  save(): void {
    const [first] = this.#pending;
    this.#offset = first === undefined ? this.#taken : Math.max(this.#offset, first - 1);
    for (const offset of this.#done) if (offset <= this.#offset) this.#done.delete(offset);
    this.#log.savePosition(this.#owner, { offset: this.#offset, above: [...this.#done] });
  }
}
