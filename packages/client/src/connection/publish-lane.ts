import { LoomError, type Runtime, type Timer } from "@loom-bridge/protocol";
import type { ClientEvent, Receipt, ReceiptBatch } from "@loom-bridge/protocol/messages";
import { OutcomeUnknownError } from "../errors/outcome-unknown-error.ts";
import { EncodedPublishBatch } from "../wire/encoded-publish-batch.ts";
import { clientEvent } from "./client-event.ts";
import type { FrameSource } from "./outbox.ts";
import type { OutgoingPublish } from "./outgoing-publish.ts";
import { readReceipt } from "./publish-receipt.ts";
import type { SendQueue } from "./send-queue.ts";

const maxBatchItems = 256;
const maxBatchBytes = 524_288;
/** Also what is sent and not answered is bounded in bytes. */
const maxUnansweredBytes = 8 * 1_048_576;
/** For a bridge that names no window. */
const defaultWindow = 256;
/** The bridge tells an event that it has taken before for two minutes; the rest is for the way there. */
const repeatWithinMs = 110_000;

/**
 * An agent's publishes, over all its streams: sends them in batches, within the bridge's window, matches receipts to
 * them, and sends again, in order, what a stream that broke has left unanswered.
 */
export class PublishLane implements FrameSource {
  readonly #runtime: Runtime;
  readonly #queue: SendQueue<OutgoingPublish>;
  #onChange = (): void => {};
  #window = 0;
  /** What to send before the queue: it was sent on an earlier stream. */
  #again: OutgoingPublish[] = [];
  #sent: OutgoingPublish[] = [];
  /** How many of them, from the front, are answered. */
  #answered = 0;
  #unansweredBytes = 0;
  /** The ref of the first unanswered publish. */
  #firstRef = 1;
  #expiry: Timer | undefined;

  constructor(runtime: Runtime, queue: SendQueue<OutgoingPublish>) {
    this.#runtime = runtime;
    this.#queue = queue;
    queue.listen(() => this.#onChange());
  }

  /** Publishes that wait to be sent or to be answered. */
  get length(): number {
    return this.#queue.length + this.#again.length + this.unanswered;
  }

  /** Publishes that were sent and not answered. */
  get unanswered(): number {
    return this.#sent.length - this.#answered;
  }

  /** Begins with a stream that the bridge has acknowledged: at most so many publishes may be unanswered. */
  attach(window: number, onChange: () => void): void {
    this.#expiry?.cancel();
    this.#window = window || defaultWindow;
    this.#onChange = onChange;
  }

  /** Sends no more on this stream. */
  pause(): void {
    this.#window = 0;
  }

  /** The stream is over: what it has left unanswered is sent again on the next. */
  detach(): void {
    this.pause();
    this.#onChange = (): void => {};
    this.#again = [...this.#sent.slice(this.#answered), ...this.#again];
    this.#sent = [];
    this.#answered = 0;
    this.#unansweredBytes = 0;
    this.#firstRef = 1;
    this.#expire();
  }

  take(): ClientEvent | undefined {
    const room = Math.min(maxBatchItems, this.#window - this.unanswered);
    const roomBytes = Math.min(maxBatchBytes, maxUnansweredBytes - this.#unansweredBytes);
    if (room <= 0 || roomBytes <= 0) return undefined;
    const publishes = this.#again.length > 0 ? this.#takeAgain(room, roomBytes) : this.#takeNew(room, roomBytes);
    if (publishes.length === 0) return undefined;
    const firstRef = BigInt(this.#firstRef + this.unanswered);
    // A fraction would be an object of its own for each publish.
    const nowMs = Math.trunc(this.#runtime.monotonic());
    for (const publish of publishes) {
      publish.sentMs ??= nowMs;
      this.#sent.push(publish);
      this.#unansweredBytes += publish.size;
    }
    return clientEvent("publishBatch", new EncodedPublishBatch(firstRef, publishes));
  }

  /** @throws LoomError `internal` when the bridge answers what was not asked. */
  onReceipts(batch: ReceiptBatch): void {
    for (const receipt of batch.receipts) {
      const count = receipt.count || 1;
      if (Number(receipt.ref) !== this.#firstRef || count > this.unanswered) {
        throw new LoomError(
          "internal",
          `the bridge sent a receipt for publish ${receipt.ref}, which is not the next one`,
        );
      }
      this.#firstRef += count;
      for (let left = count; left > 0; left -= 1) this.#settle(receipt, left === 1);
    }
    // Not each time, as to cut an array is a copy.
    if (2 * this.#answered >= this.#sent.length) {
      this.#sent = this.#sent.slice(this.#answered);
      this.#answered = 0;
    }
    this.#onChange();
  }

  /** Ends the lane: what was sent has an unknown outcome, what was not is refused with `unsent`. */
  close(cause: LoomError | undefined, unsent: LoomError): void {
    this.detach();
    this.#expiry?.cancel();
    for (const publish of this.#again.splice(0)) publish.settle(unknownOutcome(publish, cause));
    for (const publish of this.#queue.clear(unsent)) publish.settle(unsent);
  }

  /** The next publish is answered; `isLast` as for `readReceipt`. */
  #settle(receipt: Receipt, isLast: boolean): void {
    const publish = this.#sent[this.#answered] as OutgoingPublish;
    this.#answered += 1;
    this.#unansweredBytes -= publish.size;
    if (receipt.error !== undefined || publish.wantsReceipt) publish.settle(readReceipt(receipt, publish, isLast));
  }

  #takeNew(room: number, roomBytes: number): OutgoingPublish[] {
    for (;;) {
      const taken = this.#queue.take(room, roomBytes);
      const wanted = taken.some(({ abandoned }) => abandoned) ? taken.filter(({ abandoned }) => !abandoned) : taken;
      if (wanted.length > 0 || taken.length === 0) return wanted;
    }
  }

  #takeAgain(room: number, roomBytes: number): OutgoingPublish[] {
    let count = 0;
    for (let bytes = 0; count < Math.min(room, this.#again.length); count += 1) {
      bytes += this.#again[count]?.size ?? 0;
      if (count > 0 && bytes > roomBytes) break;
    }
    return this.#again.splice(0, count);
  }

  /** Gives up what was sent so long ago that the bridge might take it for another event. */
  #expire(): void {
    this.#expiry?.cancel();
    const nowMs = this.#runtime.monotonic();
    const isOld = ({ sentMs = nowMs }: OutgoingPublish): boolean => nowMs - sentMs >= repeatWithinMs;
    const old = this.#again.filter(isOld);
    if (old.length > 0) this.#again = this.#again.filter((publish) => !isOld(publish));
    for (const publish of old) publish.settle(unknownOutcome(publish, undefined));
    const [oldest] = this.#again;
    if (oldest?.sentMs === undefined) return;
    this.#expiry = this.#runtime.setTimer(() => this.#expire(), oldest.sentMs + repeatWithinMs - nowMs);
  }
}

function unknownOutcome({ id }: OutgoingPublish, cause: LoomError | undefined): LoomError {
  return new OutcomeUnknownError(`event ${JSON.stringify(id)}`, cause);
}
