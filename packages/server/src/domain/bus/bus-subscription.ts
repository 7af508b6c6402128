import { BoundedQueue, LoomError, type Runtime, type Timer } from "@loom-bridge/protocol";
import { type BusEvent, sizeOf } from "./bus-event.ts";
import type { BusStatistics, TopicCounts } from "./bus-statistics.ts";
import type { QueueSettings } from "./quality.ts";

export interface BusSubscriptionOptions {
  readonly id: number;
  readonly filters: readonly (readonly string[])[];
  /** Empty: all types. */
  readonly eventTypes: ReadonlySet<string>;
  readonly queue: QueueSettings;
  /** How many events may be taken ahead of `acknowledge`. 0: any number. */
  readonly window: number;
  /** How long publishers may wait for a subscriber that takes nothing. */
  readonly stallTimeoutMs: number;
  readonly runtime: Runtime;
  readonly statistics: BusStatistics;
  /** Called when there may be something to take. */
  readonly onReady: () => void;
  /** Called when publishers waited too long: the subscription must be closed by its owner. */
  readonly onStall: (error: LoomError) => void;
}

/** What a subscriber takes: a gap that comes first, if any, then events with consecutive sequence numbers. */
export interface Taken {
  readonly gap: { readonly first: number; readonly last: number } | undefined;
  readonly firstSequence: number;
  readonly events: readonly BusEvent[];
}

export type DeliveryResult = "queued" | "dropped";

interface Queued {
  readonly event: BusEvent;
  readonly counts: TopicCounts;
}

interface Waiting extends Queued {
  readonly settle: (result: DeliveryResult) => void;
}

/** One subscriber's queue. Sequence numbers count from 1 as events enter it. */
export class BusSubscription {
  readonly id: number;
  readonly filters: readonly (readonly string[])[];
  readonly eventTypes: ReadonlySet<string>;
  readonly rank: number;
  readonly #options: BusSubscriptionOptions;
  readonly #queue: BoundedQueue<Queued>;
  readonly #waiting: Waiting[] = [];
  /** The sequence number of the last event that was taken or dropped. */
  #left = 0;
  /** Runs of events that were taken and not acknowledged, oldest first. Kept only with a window. */
  readonly #unacknowledged: { first: number; count: number }[] = [];
  #inFlight = 0;
  #gapFrom: number | undefined;
  #stall: Timer | undefined;
  #closed = false;

  constructor(options: BusSubscriptionOptions) {
    this.id = options.id;
    this.filters = options.filters;
    this.eventTypes = options.eventTypes;
    this.rank = options.queue.rank;
    this.#options = options;
    this.#queue = new BoundedQueue(options.queue);
  }

  get backlog(): number {
    return this.#queue.length;
  }

  /** Queues an event, or returns a promise of what becomes of it when there is no room. */
  deliver(event: BusEvent, counts: TopicCounts): DeliveryResult | Promise<DeliveryResult> {
    const queued = { event, counts };
    // Whoever waits came first.
    if (this.#waiting.length === 0 && this.#enqueue(queued)) return "queued";
    if (this.#closed) {
      this.#options.statistics.dropped(counts);
      return "dropped";
    }
    return new Promise((settle) => {
      this.#waiting.push({ ...queued, settle });
      this.#stall ??= this.#watchForStall();
    });
  }

  /** Takes events from the queue, at most so many and so many bytes (but at least one event), as the window allows. */
  take(maxItems: number, maxBytes: number): Taken | undefined {
    const { window, statistics } = this.#options;
    const allowed = window === 0 ? maxItems : Math.min(maxItems, window - this.#inFlight);
    const gap = this.#gapFrom === undefined ? undefined : { first: this.#gapFrom, last: this.#left };
    const items = allowed > 0 ? this.#queue.take(allowed, maxBytes) : [];
    if (gap === undefined && items.length === 0) return undefined;
    this.#gapFrom = undefined;
    const firstSequence = this.#left + 1;
    this.#left += items.length;
    if (window > 0 && items.length > 0) {
      this.#unacknowledged.push({ first: firstSequence, count: items.length });
      this.#inFlight += items.length;
    }
    for (const item of items) statistics.taken(item.counts);
    if (items.length > 0) this.#admitWaiting();
    return { gap, firstSequence, events: items.map((item) => item.event) };
  }

  /** The subscriber is done with everything up to this sequence number. */
  acknowledge(sequence: number): void {
    for (let run = this.#unacknowledged[0]; run !== undefined && run.first <= sequence; run = this.#unacknowledged[0]) {
      const done = Math.min(run.count, sequence - run.first + 1);
      this.#inFlight -= done;
      run.first += done;
      run.count -= done;
      if (run.count > 0) break;
      this.#unacknowledged.shift();
    }
    this.#options.onReady();
  }

  /** Drops what is queued and waiting. Harmless when repeated. */
  close(): void {
    this.#closed = true;
    this.#stall?.cancel();
    this.#stall = undefined;
    for (const { counts } of this.#queue.take()) this.#options.statistics.droppedFromQueue(counts);
    for (const { counts, settle } of this.#waiting.splice(0)) {
      this.#options.statistics.dropped(counts);
      settle("dropped");
    }
  }

  #enqueue(queued: Queued): boolean {
    if (this.#closed) return false;
    const { queue, statistics, onReady } = this.#options;
    const bytes = sizeOf(queued.event);
    while (!this.#queue.hasRoom(bytes)) {
      if (queue.overflow === "refuse") return false;
      const [oldest] = this.#queue.take(1);
      if (oldest === undefined) break;
      statistics.droppedFromQueue(oldest.counts);
      this.#left += 1;
      this.#gapFrom ??= this.#left;
    }
    this.#queue.offer(queued, bytes);
    statistics.delivered(queued.counts);
    onReady();
    return true;
  }

  #admitWaiting(): void {
    let admitted = 0;
    for (const waiting of this.#waiting) {
      if (!this.#enqueue(waiting)) break;
      waiting.settle("queued");
      admitted += 1;
    }
    this.#waiting.splice(0, admitted);
    this.#stall?.cancel();
    this.#stall = this.#waiting.length > 0 ? this.#watchForStall() : undefined;
  }

  #watchForStall(): Timer {
    const { runtime, stallTimeoutMs, onStall } = this.#options;
    return runtime.setTimer(() => {
      const facts = `${this.backlog} events are queued, ${this.#waiting.length} publishers wait, ${this.#left} events were taken`;
      onStall(
        new LoomError(
          "resource_exhausted",
          `the subscriber took nothing for ${stallTimeoutMs} ms while publishers waited for it; ${facts}. ` +
            "Read faster, or subscribe with QOS_REALTIME to lose the oldest events instead",
          { retryable: true, details: { limit: "stall_timeout_ms", value: String(stallTimeoutMs) } },
        ),
      );
    }, stallTimeoutMs);
  }
}
