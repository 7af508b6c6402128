import { create } from "@bufbuild/protobuf";
import { type ClientEvent, EventAckSchema } from "@loom-bridge/protocol/messages";
import { clientEvent } from "./client-event.ts";
import type { FrameSource } from "./outbox.ts";

/** One subscription's events that have come and may not be acknowledged yet. */
interface Line {
  /** Sequence numbers in the order of their coming. */
  open: number[];
  /** How many of them, from the front, are acknowledged. */
  head: number;
  /** Those that are finished while an older one is not. */
  readonly finished: Set<number>;
}

/**
 * Tells the bridge how far this client has got with each subscription. Events may be finished in any order; the
 * acknowledgement says "up to and including", so it waits for the oldest. How many entries there are is bounded by the
 * windows of the subscriptions.
 */
export class EventAcks implements FrameSource {
  readonly #onAck: () => void;
  readonly #lines = new Map<number, Line>();
  readonly #unsent = new Map<number, number>();

  constructor(onAck: () => void) {
    this.#onAck = onAck;
  }

  /** Notes an event that has come. */
  received(subscription: number, sequence: number): void {
    const line = this.#lines.get(subscription);
    if (line === undefined) this.#lines.set(subscription, { open: [sequence], head: 0, finished: new Set() });
    else line.open.push(sequence);
  }

  /** An event that has come is finished. */
  finished(subscription: number, sequence: number): void {
    const line = this.#lines.get(subscription);
    if (line === undefined) return;
    const { open, finished } = line;
    if (open[line.head] !== sequence) {
      finished.add(sequence);
      return;
    }
    let last = sequence;
    line.head += 1;
    for (let next = open[line.head]; next !== undefined && finished.delete(next); next = open[line.head]) {
      last = next;
      line.head += 1;
    }
    if (line.head === open.length || line.head === 1024) {
      line.open = open.slice(line.head);
      line.head = 0;
    }
    this.#unsent.set(subscription, last);
    this.#onAck();
  }

  /** Forgets a subscription that has ended. */
  forget(subscription: number): void {
    this.#lines.delete(subscription);
    this.#unsent.delete(subscription);
  }

  take(): ClientEvent | undefined {
    for (const [subscription, sequence] of this.#unsent) {
      this.#unsent.delete(subscription);
      return clientEvent("eventAck", create(EventAckSchema, { subscription, sequence: BigInt(sequence) }));
    }
    return undefined;
  }
}
