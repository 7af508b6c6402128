import { create } from "@bufbuild/protobuf";
import { type ClientEvent, EventAckSchema } from "@loom-bridge/protocol/messages";
import { clientEvent } from "./client-event.ts";
import type { FrameSource } from "./outbox.ts";

interface Entry {
  readonly sequence: number;
  done: boolean;
}

/**
 * Tells the bridge how far this client has got with each subscription. Events may be finished in any order; the
 * acknowledgement says "up to and including", so it waits for the oldest. How many entries there are is bounded by the
 * windows of the subscriptions.
 */
export class EventAcks implements FrameSource {
  readonly #onAck: () => void;
  readonly #open = new Map<number, Entry[]>();
  readonly #unsent = new Map<number, number>();

  constructor(onAck: () => void) {
    this.#onAck = onAck;
  }

  /** Notes an event that has come. Returns a function to call when it is finished. */
  received(subscription: number, sequence: number): () => void {
    const entry: Entry = { sequence, done: false };
    const entries = this.#open.get(subscription);
    if (entries === undefined) this.#open.set(subscription, [entry]);
    else entries.push(entry);
    return () => {
      entry.done = true;
      this.#advance(subscription);
    };
  }

  /** Forgets a subscription that has ended. */
  forget(subscription: number): void {
    this.#open.delete(subscription);
    this.#unsent.delete(subscription);
  }

  take(): ClientEvent | undefined {
    for (const [subscription, sequence] of this.#unsent) {
      this.#unsent.delete(subscription);
      return clientEvent("eventAck", create(EventAckSchema, { subscription, sequence: BigInt(sequence) }));
    }
    return undefined;
  }

  #advance(subscription: number): void {
    const entries = this.#open.get(subscription);
    let finished = entries?.findIndex((entry) => !entry.done) ?? 0;
    if (finished === -1) finished = entries?.length ?? 0;
    const last = entries?.[finished - 1];
    if (last === undefined) return;
    entries?.splice(0, finished);
    this.#unsent.set(subscription, last.sequence);
    this.#onAck();
  }
}
