import type { ClientEvent } from "@loom-bridge/protocol/messages";
import { clientEvent } from "./client-event.ts";
import type { EventLine } from "./event-line.ts";
import type { FrameSource } from "./outbox.ts";

/**
 * One subscription's events that have come and may not be acknowledged yet. Events may be finished in any order; the
 * acknowledgement says "up to and including", so it waits for the oldest.
 */
export class AckLine implements EventLine {
  readonly #onAck: (line: AckLine) => void;
  readonly subscription: number;
  /** Sequence numbers in the order of their coming. */
  #open: number[] = [];
  /** How many of them, from the front, are acknowledged. */
  #head = 0;
  /** Those that are finished while an older one is not. */
  readonly #finished = new Set<number>();
  /** Up to where the bridge may be told, while it was not. */
  unsent: number | undefined;

  constructor(subscription: number, onAck: (line: AckLine) => void) {
    this.subscription = subscription;
    this.#onAck = onAck;
  }

  received(sequence: number): void {
    this.#open.push(sequence);
  }

  /** There is only one way to be finished with an event. */
  settle(sequence: number): void {
    if (this.#open[this.#head] !== sequence) {
      this.#finished.add(sequence);
      return;
    }
    let last = sequence;
    this.#head += 1;
    for (let next = this.#open[this.#head]; next !== undefined && this.#finished.delete(next); ) {
      last = next;
      this.#head += 1;
      next = this.#open[this.#head];
    }
    // Seldom: to cut an array costs more than all else here.
    if (this.#head >= 256 && this.#head * 2 >= this.#open.length) {
      this.#open = this.#open.slice(this.#head);
      this.#head = 0;
    }
    const wasSent = this.unsent === undefined;
    this.unsent = last;
    if (wasSent) this.#onAck(this);
  }
}

/**
 * Tells the bridge how far this client has got with each subscription. How many entries there are is bounded by the
 * windows of the subscriptions.
 */
export class EventAcks implements FrameSource {
  readonly #lines = new Map<number, AckLine>();
  readonly #unsent: AckLine[] = [];
  readonly #onAck: (line: AckLine) => void;

  constructor(onAck: () => void) {
    this.#onAck = (line) => {
      // What comes of a subscription that has ended is nobody's business any more.
      if (this.#lines.get(line.subscription) !== line) return;
      this.#unsent.push(line);
      onAck();
    };
  }

  line(subscription: number): AckLine {
    const known = this.#lines.get(subscription);
    if (known !== undefined) return known;
    const line = new AckLine(subscription, this.#onAck);
    this.#lines.set(subscription, line);
    return line;
  }

  /** Forgets a subscription that has ended. */
  forget(subscription: number): void {
    const line = this.#lines.get(subscription);
    if (line === undefined) return;
    this.#lines.delete(subscription);
    const index = this.#unsent.indexOf(line);
    if (index >= 0) this.#unsent.splice(index, 1);
  }

  take(): ClientEvent | undefined {
    const line = this.#unsent.shift();
    if (line?.unsent === undefined) return undefined;
    const { subscription, unsent } = line;
    line.unsent = undefined;
    return clientEvent("eventAck", { $typeName: "loom.bridge.v1.EventAck", subscription, sequence: BigInt(unsent) });
  }
}
