import { LoomError } from "@loom-bridge/protocol";
import { type LoggedEvent, sizeOf } from "../../domain/bus/bus-event.ts";
import type { LogPosition } from "../../domain/log/event-log.ts";

/** Positions to write, by owner. Undefined: the owner is forgotten. */
export type ChangedPositions = Map<string, LogPosition | undefined>;

/** Events that are written together, with the positions that were saved after the last of them. */
export interface Batch {
  readonly events: LoggedEvent[];
  readonly positions: ChangedPositions;
  readonly written: PromiseWithResolvers<void>;
}

/** Events that wait to be written, in batches. */
export class AppendBatches {
  readonly #batches: Batch[] = [];
  readonly #maxBytes: number;
  readonly #batchEvents: number;
  #bytes = 0;

  constructor(maxBytes: number, batchEvents: number) {
    this.#maxBytes = maxBytes;
    this.#batchEvents = batchEvents;
  }

  /** @throws LoomError `resource_exhausted` when there is no room; call before the event has its offset. */
  requireRoom(bytes: number): void {
    if (this.#bytes === 0 || this.#bytes + bytes <= this.#maxBytes) return;
    throw new LoomError(
      "resource_exhausted",
      `the event log has ${this.#bytes} bytes waiting to be written, and its limit "maxQueuedBytes" is ${this.#maxBytes}; try again later`,
      { retryable: true, details: { limit: "maxQueuedBytes", value: String(this.#maxBytes) } },
    );
  }

  add(event: LoggedEvent): void {
    let last = this.#batches.at(-1);
    if (last === undefined || last.events.length >= this.#batchEvents) {
      last = { events: [], positions: new Map(), written: Promise.withResolvers() };
      // Nobody may be waiting for it.
      last.written.promise.catch(() => {});
      this.#batches.push(last);
    }
    last.events.push(event);
    this.#bytes += sizeOf(event);
  }

  /** The batch of the last event that was added, while it waits. */
  get last(): Batch | undefined {
    return this.#batches.at(-1);
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** The oldest batch, taken out. */
  take(): Batch | undefined {
    const batch = this.#batches.shift();
    for (const event of batch?.events ?? []) this.#bytes -= sizeOf(event);
    return batch;
  }
}
