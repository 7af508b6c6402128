import { BoundedQueue, LoomError } from "@loom-bridge/protocol";
import { type BusEvent, sizeOf } from "../bus/bus-event.ts";
import type { EventBus } from "../bus/event-bus.ts";
import type { PublishOutcome } from "../bus/publish-outcome.ts";
import type { Moment } from "../moment.ts";
import type { Receipt } from "./control-frame.ts";

export interface PublishLineOptions {
  readonly bus: EventBus;
  /** Throws what stands against a publish. Default: nothing does. */
  readonly check?: ((event: BusEvent) => void) | undefined;
  /** From this many unanswered publishes on, the line is congested. */
  readonly window: number;
  /** From this many bytes of waiting events on, the line is congested. */
  readonly maxBytes: number;
  /** Called when receipts are ready and when the line is no longer congested. */
  readonly onChange: () => void;
  /** Called when a publish without a ref was refused: there is no other way to tell the agent. */
  readonly onRefused: (error: LoomError) => void;
}

interface OpenPublish {
  readonly ref: number;
  result: PublishOutcome | LoomError | undefined;
}

interface Waiting {
  /** 0: no receipt. */
  readonly ref: number;
  readonly event: BusEvent;
}

/**
 * One session's publishes, answered in order. When one has to wait for a subscriber's queue, those behind it wait too,
 * and nothing else of the session does. While a log writes, they go on: what a tick brings shares a write. Its owner
 * stops reading while it is congested, which bounds it.
 */
export class PublishLine {
  readonly #options: PublishLineOptions;
  /** Bounded by whoever submits: it stops when the line is congested. */
  readonly #waiting = new BoundedQueue<Waiting>({
    maxItems: Number.POSITIVE_INFINITY,
    maxBytes: Number.POSITIVE_INFINITY,
  });
  /** Publishes that are on their way, in order. */
  readonly #open: OpenPublish[] = [];
  #closed = false;
  #receipts: Receipt[] = [];
  #waiters: { readonly condition: () => boolean; readonly resolve: () => void }[] = [];

  constructor(options: PublishLineOptions) {
    this.#options = options;
  }

  /** What came with one message. `firstRef` is the first event's; those of the others follow. 0: no receipts. */
  submitAll(firstRef: number, events: readonly BusEvent[]): void {
    const at = this.#options.bus.begin(events, firstRef !== 0);
    let ref = firstRef;
    for (const event of events) {
      this.submit(ref, event, at);
      if (firstRef !== 0) ref += 1;
    }
  }

  submit(ref: number, event: BusEvent, at?: Moment): void {
    if (this.#closed) return;
    if (this.#mustWait) this.#waiting.offer({ ref, event }, sizeOf(event));
    else this.#publish(ref, event, at);
  }

  get congested(): boolean {
    const { window, maxBytes } = this.#options;
    // The one whose turn it is does not wait.
    const unanswered = this.#waiting.length + Math.max(0, this.#open.length - 1) + this.#receipts.length;
    return unanswered >= window || this.#waiting.bytes >= maxBytes;
  }

  /** Resolves when the line is not congested, or closed. */
  calm(): Promise<void> {
    return this.#until(() => !this.congested);
  }

  /** Resolves when everything that was submitted is answered, or when the line is closed. */
  idle(): Promise<void> {
    return this.#until(() => this.#open.length === 0);
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

  get #mustWait(): boolean {
    return this.#open.length > 0 && !this.#options.bus.isDurable;
  }

  #publish(ref: number, event: BusEvent, at?: Moment): void {
    let outcome: PublishOutcome | Promise<PublishOutcome>;
    try {
      this.#options.check?.(event);
      // Whoever asks for no receipt could not be told of a duplicate, so it is taken at its word.
      outcome = this.#options.bus.publish(event, ref !== 0, at);
    } catch (error) {
      outcome = Promise.reject(error);
      if (this.#open.length === 0) {
        outcome.catch(() => {});
        this.#refuse(ref, asLoomError(error));
        return;
      }
    }
    if (!(outcome instanceof Promise) && this.#open.length === 0) {
      this.#answer(ref, outcome);
      return;
    }
    this.#wait(ref, outcome);
  }

  #wait(ref: number, outcome: PublishOutcome | Promise<PublishOutcome>): void {
    const open: OpenPublish = { ref, result: undefined };
    this.#open.push(open);
    void Promise.resolve(outcome).then(
      (settled) => this.#settled(open, settled),
      (error: unknown) => this.#settled(open, asLoomError(error)),
    );
  }

  #settled(open: OpenPublish, result: PublishOutcome | LoomError): void {
    open.result = result;
    while (this.#open[0]?.result !== undefined) {
      const { ref, result: first } = this.#open.shift() as OpenPublish;
      if (LoomError.isInstance(first)) this.#refuse(ref, first);
      else if (first !== undefined) this.#answer(ref, first);
    }
    while (!this.#mustWait) {
      const [next] = this.#waiting.take(1);
      if (next === undefined) break;
      this.#publish(next.ref, next.event);
    }
    this.#changed();
  }

  #refuse(ref: number, error: LoomError): void {
    if (this.#closed) return;
    if (ref === 0) this.#options.onRefused(error);
    else {
      const nothing = { matched: 0, queued: 0, dropped: 0, drops: [], duplicate: false, offset: 0 };
      this.#receipts.push({ ref, count: 1, ...nothing, error });
    }
    this.#options.onChange();
  }

  #answer(ref: number, outcome: PublishOutcome): void {
    if (ref === 0 || this.#closed) return;
    const last = this.#receipts.at(-1);
    if (last !== undefined && last.ref + last.count === ref && isAlike(last, outcome)) {
      last.count += 1;
      last.offset = outcome.offset;
    } else this.#receipts.push({ ref, count: 1, ...outcome, error: undefined });
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

/** What happened to several publishes can be told in one receipt when only their offsets differ. */
function isAlike(receipt: Receipt, outcome: PublishOutcome): boolean {
  return (
    receipt.error === undefined &&
    receipt.matched === outcome.matched &&
    receipt.queued === outcome.queued &&
    receipt.duplicate === outcome.duplicate &&
    receipt.drops.length === 0 &&
    outcome.drops.length === 0
  );
}

function asLoomError(error: unknown): LoomError {
  if (LoomError.isInstance(error)) return error;
  throw error;
}
