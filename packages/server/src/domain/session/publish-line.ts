import { BoundedQueue, LoomError } from "@loom-bridge/protocol";
import { type BusEvent, sizeOf } from "../bus/bus-event.ts";
import type { EventBus, PublishOutcome } from "../bus/event-bus.ts";
import type { Receipt } from "./control-frame.ts";

export interface PublishLineOptions {
  readonly bus: EventBus;
  /** From this many unanswered publishes on, the line is congested. */
  readonly window: number;
  /** From this many bytes of waiting events on, the line is congested. */
  readonly maxBytes: number;
  /** Called when receipts are ready and when the line is no longer congested. */
  readonly onChange: () => void;
  /** Called when a publish without a ref was refused: there is no other way to tell the agent. */
  readonly onRefused: (error: LoomError) => void;
}

interface Item {
  /** 0: no receipt. */
  readonly ref: number;
  readonly event: BusEvent;
}

/**
 * One session's publishes, in order. When one has to wait for a subscriber's queue, those behind it wait too, and
 * nothing else of the session does. Its owner stops reading while it is congested, which bounds it.
 */
export class PublishLine {
  readonly #options: PublishLineOptions;
  /** Bounded by whoever submits: it stops when the line is congested. */
  readonly #waiting = new BoundedQueue<Item>({
    maxItems: Number.POSITIVE_INFINITY,
    maxBytes: Number.POSITIVE_INFINITY,
  });
  #busy = false;
  #closed = false;
  #receipts: Receipt[] = [];
  #waiters: { readonly condition: () => boolean; readonly resolve: () => void }[] = [];

  constructor(options: PublishLineOptions) {
    this.#options = options;
  }

  submit(item: Item): void {
    if (this.#closed) return;
    if (this.#busy) this.#waiting.offer(item, sizeOf(item.event));
    else this.#publish(item);
  }

  get congested(): boolean {
    const { window, maxBytes } = this.#options;
    return this.#waiting.length + this.#receipts.length >= window || this.#waiting.bytes >= maxBytes;
  }

  /** Resolves when the line is not congested, or closed. */
  calm(): Promise<void> {
    return this.#until(() => !this.congested);
  }

  /** Resolves when everything that was submitted is answered, or when the line is closed. */
  idle(): Promise<void> {
    return this.#until(() => !this.#busy);
  }

  /** Takes the receipts that are ready. */
  takeReceipts(): Receipt[] {
    const receipts = this.#receipts;
    this.#receipts = [];
    if (receipts.length > 0) this.#changed();
    return receipts;
  }

  /** Drops what waits. */
  close(): void {
    this.#closed = true;
    this.#waiting.take();
    this.#changed();
  }

  #publish(item: Item): void {
    let outcome: PublishOutcome | Promise<PublishOutcome>;
    try {
      outcome = this.#options.bus.publish(item.event);
    } catch (error) {
      if (!LoomError.isInstance(error)) throw error;
      this.#refuse(item, error);
      return;
    }
    if (!(outcome instanceof Promise)) {
      this.#answer(item, outcome);
      return;
    }
    this.#busy = true;
    void outcome.then((settled) => {
      this.#busy = false;
      this.#answer(item, settled);
      while (!this.#busy) {
        const [next] = this.#waiting.take(1);
        if (next === undefined) break;
        this.#publish(next);
      }
      this.#changed();
    });
  }

  #refuse(item: Item, error: LoomError): void {
    if (item.ref === 0) this.#options.onRefused(error);
    else this.#receipts.push({ ref: item.ref, count: 1, matched: 0, queued: 0, dropped: 0, error });
    this.#options.onChange();
  }

  #answer({ ref }: Item, outcome: PublishOutcome): void {
    if (ref === 0 || this.#closed) return;
    const last = this.#receipts.at(-1);
    if (last !== undefined && last.ref + last.count === ref && isAlike(last, outcome)) last.count += 1;
    else this.#receipts.push({ ref, count: 1, ...outcome, error: undefined });
    this.#options.onChange();
  }

  #until(condition: () => boolean): Promise<void> {
    if (this.#closed || condition()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ condition, resolve });
    });
  }

  #changed(): void {
    const waiters = this.#waiters;
    this.#waiters = waiters.filter(({ condition }) => !this.#closed && !condition());
    for (const { condition, resolve } of waiters) if (this.#closed || condition()) resolve();
    this.#options.onChange();
  }
}

function isAlike(receipt: Receipt, outcome: PublishOutcome): boolean {
  return (
    receipt.error === undefined &&
    receipt.matched === outcome.matched &&
    receipt.queued === outcome.queued &&
    receipt.dropped === outcome.dropped
  );
}
