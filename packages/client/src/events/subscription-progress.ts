import { clone, create } from "@bufbuild/protobuf";
import { NumberMap } from "@loom-bridge/protocol";
import { Delivered, StartSchema, type Subscription, SubscriptionSchema } from "@loom-bridge/protocol/messages";
import type { Arrival } from "../connection/event-line.ts";
import { acknowledged, type Settlement } from "../connection/settlement.ts";
import { RememberedKeys } from "./remembered-keys.ts";

/** The bridge's defaults for a subscription that names none. */
const defaultSettleTimeoutMs = 30_000;
const defaultMaxAttempts = 5;
/** How many settled events are known again when the bridge delivers them once more. */
const maxRemembered = 8192;

/** An event from its coming to its settlement, whichever streams carry the two. */
export class EventInHand {
  /** How it came last. */
  arrival: Arrival;
  /** Its number then. */
  sequence: number;
  /** Its offset; of a topic that is not kept, the negative of its sequence number. */
  readonly key: number;
  /** Whether its handler has begun. */
  started = false;
  /** It will come again, perhaps to somebody else: it is not to be handled any more. */
  dropped = false;
  readonly #progress: SubscriptionProgress;

  constructor(progress: SubscriptionProgress, arrival: Arrival, sequence: number, key: number) {
    this.#progress = progress;
    this.arrival = arrival;
    this.sequence = sequence;
    this.key = key;
  }

  get isAtLeastOnce(): boolean {
    return this.#progress.settling !== undefined;
  }

  settle(settlement: Settlement): void {
    this.arrival.line.settle(this.sequence, settlement);
    if (settlement.verdict !== "working") this.#progress.settled(this, settlement);
  }
}

/**
 * How far an agent has got with one subscription, over all its streams: from where to go on after a reconnect, and
 * which of the events that then come it has had before.
 */
export class SubscriptionProgress {
  /** How its events are settled; undefined: acknowledged in order. */
  readonly settling: { readonly extendEveryMs: number | undefined } | undefined;
  readonly #wanted: Subscription;
  /** Whether the bridge delivers what was not acknowledged again. */
  readonly #redelivers: boolean;
  #logId = "";
  /** Where it began, while nothing was received. */
  #base = 0;
  /** The last offset that came, or where this stream began. */
  #received = 0;
  /** Delivered at most once: what came before the last reconnect. */
  #floor = 0;
  /** Delivered at most once: how many events are in hand. */
  #count = 0;
  /** Else: which. */
  readonly #inHand = new NumberMap<EventInHand>();
  /** Of those that came on this stream, the ones that are not settled: some in hand, some to come again. */
  readonly #unsettled = new NumberMap<true>();
  readonly #remembered = new RememberedKeys(maxRemembered);

  constructor(wanted: Subscription, autoExtend: boolean) {
    this.#wanted = wanted;
    const isAtLeastOnce = wanted.delivered === Delivered.AT_LEAST_ONCE;
    const extendEveryMs = Math.ceil((wanted.settleTimeoutMs || defaultSettleTimeoutMs) / 3);
    this.settling = isAtLeastOnce ? { extendEveryMs: autoExtend ? extendEveryMs : undefined } : undefined;
    // To a group that is served at most once, what was sent is done.
    this.#redelivers = isAtLeastOnce || (wanted.durable !== "" && wanted.group === "");
  }

  get filters(): readonly string[] {
    return this.#wanted.filters;
  }

  /** Returns the event to handle, or nothing if it was had before. */
  receive(offset: number, sequence: number, arrival: Arrival): EventInHand | undefined {
    const key = offset > 0 ? offset : -sequence;
    this.#received = Math.max(this.#received, offset);
    if (!this.#redelivers) {
      const isNew = offset === 0 || offset > this.#floor;
      if (isNew) this.#count += 1;
      else arrival.line.settle(sequence, acknowledged);
      return isNew ? new EventInHand(this, arrival, sequence, key) : undefined;
    }
    if (this.#remembered.has(key)) {
      arrival.line.settle(sequence, acknowledged);
      return undefined;
    }
    this.#unsettled.set(key, true);
    const known = this.#inHand.get(key);
    if (known !== undefined) {
      // Its handler's verdict goes to the stream on which it came last.
      known.arrival = arrival;
      known.sequence = sequence;
      return undefined;
    }
    const item = new EventInHand(this, arrival, sequence, key);
    this.#inHand.set(key, item);
    return item;
  }

  settled(item: EventInHand, settlement: Settlement): void {
    if (!this.#redelivers) {
      this.#count -= 1;
      return;
    }
    // Of another log or another stream, whose numbers mean nothing any more.
    if (this.#inHand.get(item.key) !== item) return;
    this.#inHand.take(item.key);
    const comesAgain = settlement.verdict === "retry" && item.arrival.attempt < this.#maxAttempts;
    if (comesAgain) return;
    this.#unsettled.take(item.key);
    this.#remembered.add(item.key);
  }

  /** The subscription stands, on a log whose last event then had this offset. */
  began(logId: string, logOffset: number): void {
    if (this.#logId === "") this.#base = this.#wanted.start === undefined ? logOffset : 0;
    else if (this.#logId !== logId) this.#forget();
    this.#logId = logId;
  }

  /** The stream is over. */
  lost(): void {
    for (const item of this.#inHand.values()) {
      const { key } = item;
      const goesToOthers = this.#wanted.group !== "" && !item.started;
      // What is not kept does not come again, and its number counted on that stream only.
      if (key > 0 && !goesToOthers) continue;
      item.dropped = goesToOthers;
      this.#inHand.take(key);
    }
    for (const key of this.#unsettled.numbers()) if (key < 0) this.#unsettled.take(key);
    this.#remembered.keep((key) => key > 0);
  }

  /** The subscription to ask the next stream for: it goes on where this one was left. */
  resume(): Subscription {
    const after = this.#position();
    this.#received = after;
    this.#unsettled.clear();
    // A group may be given what another member has left behind, however old.
    if (!this.#redelivers && this.#wanted.group === "") this.#floor = after;
    const startsAgain = after === 0 && this.#wanted.start !== undefined;
    if (this.#logId === "" || this.#wanted.durable !== "" || startsAgain) return this.#wanted;
    const subscription = clone(SubscriptionSchema, this.#wanted);
    subscription.start = create(StartSchema, {
      position: { case: "afterOffset", value: BigInt(after) },
      logId: this.#logId,
    });
    subscription.window = this.#window();
    return subscription;
  }

  get #maxAttempts(): number {
    return this.#wanted.maxAttempts || defaultMaxAttempts;
  }

  /** The last offset that need not come again, nor anything before it. */
  #position(): number {
    let position = Math.max(this.#received, this.#base);
    if (this.#redelivers) for (const offset of this.#unsettled.numbers()) position = Math.min(position, offset - 1);
    return position;
  }

  /** What is in hand and does not come again counts, so that a handler that hangs does not gather a window a stream. */
  #window(): number {
    if (this.#redelivers) return this.#wanted.window;
    return Math.min(this.#wanted.window, Math.max(1, 2 * this.#wanted.window - this.#count));
  }

  /** The events of another log have nothing to do with those of this one, which are delivered from the oldest on. */
  #forget(): void {
    this.#base = 0;
    this.#received = 0;
    this.#floor = 0;
    this.#inHand.clear();
    this.#unsettled.clear();
    this.#remembered.keep(() => false);
  }
}
