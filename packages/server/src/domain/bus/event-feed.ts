import { BoundedQueue, LoomError, type Runtime, type Timer } from "@loom-bridge/protocol";
import { sizeOf } from "./bus-event.ts";
import type { BusStatistics, TopicCounts } from "./bus-statistics.ts";
import type { CatchUp } from "./catch-up.ts";
import { type DropReason, noDrops } from "./drops.ts";
import type { EventNote } from "./event-note.ts";
import { LatestQueue } from "./latest-queue.ts";
import type { QueueSettings } from "./quality.ts";
import { type Loss, type LossReason, Queued } from "./queued.ts";
import type { SubscriptionReport } from "./subscription-report.ts";

export interface EventFeedOptions {
  readonly queue: QueueSettings;
  /** Absent: begins with the next event. */
  readonly catchUp: CatchUp | undefined;
  /** Events up to this offset are the past. */
  readonly afterOffset: number;
  /** How long publishers may wait for a subscriber that takes nothing. */
  readonly stallTimeoutMs: number;
  readonly runtime: Runtime;
  readonly statistics: BusStatistics;
  readonly note: EventNote;
  /** Called when there may be something to take. */
  readonly onReady: () => void;
  /** Called when the subscriber must be closed by its owner: publishers waited too long, or its policy says so. */
  readonly onStall: (error: LoomError) => void;
}

/** What became of one copy of an event. */
export type DeliveryResult = "queued" | "queue-full" | "subscriber-left";

/** What a feed has had and has to come. */
export type FeedReport = Pick<
  SubscriptionReport,
  "delivered" | "drops" | "backlog" | "backlogBytes" | "waitingPublishers" | "readThrough"
>;

interface Waiting {
  readonly item: Queued;
  readonly settle: (result: DeliveryResult) => void;
}

/** The events on their way to one subscriber or group: first those of the past, then those that are published. */
export class EventFeed {
  readonly #options: EventFeedOptions;
  readonly #latest: LatestQueue | undefined;
  readonly #queue: BoundedQueue<Queued> | LatestQueue;
  readonly #waiting: Waiting[] = [];
  readonly #drops = noDrops();
  #delivered = 0;
  #catchUp: CatchUp | undefined;
  /** Kept events up to here were read from the log, or will be. */
  #readThrough: number;
  #newest: Queued | undefined;
  #lost = 0;
  #lossReason: LossReason = "queue-full";
  #stall: Timer | undefined;
  #closed = false;

  constructor(options: EventFeedOptions) {
    this.#options = options;
    const { queue } = options;
    this.#latest = queue.overflow === "latest-per-key" ? new LatestQueue(queue) : undefined;
    this.#queue = this.#latest ?? new BoundedQueue<Queued>({ maxItems: queue.maxItems, maxBytes: queue.maxBytes });
    this.#catchUp = options.catchUp;
    this.#readThrough = this.#catchUp === undefined ? options.afterOffset : Number.POSITIVE_INFINITY;
  }

  get backlog(): number {
    return this.#queue.length;
  }

  get backlogBytes(): number {
    return this.#queue.bytes;
  }

  /** How far it has read the log on its way to the present; nothing when it is there. */
  get readThrough(): number | undefined {
    return this.#catchUp?.readThrough;
  }

  /** Whether it began after an event that was being written then, so that it is none of its events. */
  isPast(offset: number): boolean {
    const { catchUp, afterOffset } = this.#options;
    return catchUp === undefined && offset > 0 && offset <= afterOffset;
  }

  report(): FeedReport {
    return {
      delivered: this.#delivered,
      drops: { ...this.#drops },
      backlog: this.backlog,
      backlogBytes: this.#queue.bytes,
      waitingPublishers: this.#waiting.length,
      readThrough: this.readThrough,
    };
  }

  /** In words, where the event with this id is on its way to the subscriber; nothing when it is not here. */
  placeOf(id: string): string | undefined {
    let place = 0;
    for (const { event } of this.#queue.values()) {
      place += 1;
      if (event.id === id) return `number ${place} of ${this.backlog} in its queue`;
    }
    if (this.#waiting.some(({ item }) => item.event.id === id)) return "its publisher waits for room in the queue";
    const { readThrough } = this;
    return readThrough === undefined ? undefined : `it still reads the log, and has come to offset ${readThrough}`;
  }

  /** Counts an event that was delivered in vain. */
  gaveUp(): void {
    this.#drops["given-up"] += 1;
  }

  /** Queues an event, or returns a promise of what becomes of it where its publisher waits for room. */
  deliver(item: Queued, mayWait: boolean): DeliveryResult | Promise<DeliveryResult> {
    const { event } = item;
    // What is kept is not queued before its turn: the queue holds no more of the past than a page.
    if (event.offset <= this.#readThrough && event.offset > 0) return "queued";
    if (this.#closed) return this.#refuse(item, "subscriber-left");
    // Whoever waits came first.
    if (this.#waiting.length === 0 && this.#enqueue(item)) return "queued";
    const { overflow } = this.#options.queue;
    if (overflow === "evict") {
      const result = this.#refuse(item, "queue-full");
      this.#options.onStall(this.#error("has a full queue, and its policy is to be evicted then"));
      return result;
    }
    if (overflow === "block" && mayWait) return this.#wait(item);
    this.#loseAfterNewest();
    return this.#refuse(item, "queue-full");
  }

  #wait(item: Queued): Promise<DeliveryResult> {
    return new Promise((settle) => {
      this.#waiting.push({ item, settle });
      this.#stall ??= this.#watchForStall();
    });
  }

  /** Takes the oldest events, at most so many and, after the first, so many bytes. */
  take(maxItems: number, maxBytes: number): Queued[] {
    while (this.#catchUp !== undefined && this.#queue.length === 0) this.#readOn(this.#catchUp);
    const items = this.#queue.take(maxItems, maxBytes);
    if (items.length === 0) return items;
    for (const item of items) this.#options.statistics.taken(item.counts);
    if (this.#queue.length === 0) this.#newest = undefined;
    if (this.#waiting.length > 0) this.#admitWaiting();
    return items;
  }

  /** What was lost before the events that were just taken, or before the next ones when there were none. */
  takeLoss(): Loss | undefined {
    if (this.#lost === 0) return undefined;
    const loss = { count: this.#lost, reason: this.#lossReason };
    this.#lost = 0;
    return loss;
  }

  /** Drops what is queued and waiting; what a durable subscriber will find in the log is not lost. */
  close(isDurable: boolean): void {
    const { statistics, note } = this.#options;
    this.#closed = true;
    this.#catchUp = undefined;
    this.#readThrough = 0;
    this.#stall?.cancel();
    this.#stall = undefined;
    for (const { event, counts } of this.#queue.take()) {
      statistics.taken(counts);
      if (isDurable && event.offset > 0) continue;
      this.#drop(counts, "subscriber-left");
      note("dropped", event, "subscriber-left");
    }
    for (const { item, settle } of this.#waiting.splice(0)) settle(this.#refuse(item, "subscriber-left"));
  }

  #readOn(catchUp: CatchUp): void {
    const { events, lost, liveAfter } = catchUp.next();
    if (lost) this.#lose(1, "not-retained");
    for (const event of events) {
      const counts = this.#options.statistics.of(event.topic);
      this.#enqueue(new Queued(event, counts));
    }
    if (liveAfter === undefined) return;
    this.#catchUp = undefined;
    this.#readThrough = liveAfter;
  }

  #enqueue(item: Queued): boolean {
    const { queue, statistics, onReady } = this.#options;
    const bytes = sizeOf(item.event);
    const older = this.#latest?.replace(item.event);
    if (older !== undefined) this.#dropQueued(older, "replaced");
    while (!this.#queue.hasRoom(bytes)) {
      if (queue.overflow !== "drop-oldest" && queue.overflow !== "latest-per-key") return false;
      const [oldest] = this.#queue.take(1);
      if (oldest !== undefined) this.#dropQueued(oldest, "queue-full");
    }
    this.#queue.offer(item, bytes);
    this.#newest = item;
    statistics.delivered(item.counts);
    this.#delivered += 1;
    onReady();
    return true;
  }

  #loseAfterNewest(): void {
    if (this.#newest === undefined) return;
    // Until something was lost after it, it may be in others' queues too.
    if (this.#newest.lostAfter === 0) {
      this.#newest = this.#newest.copy();
      if (this.#queue instanceof BoundedQueue) this.#queue.replaceNewest(this.#newest);
    }
    this.#newest.lostAfter += 1;
  }

  #dropQueued(item: Queued, reason: DropReason): void {
    this.#options.statistics.taken(item.counts);
    this.#drop(item.counts, reason);
    this.#options.note("dropped", item.event, reason);
    this.#lose(1 + item.lostAfter, "queue-full");
  }

  #refuse(item: Queued, reason: "queue-full" | "subscriber-left"): DeliveryResult {
    this.#drop(item.counts, reason);
    this.#options.note("dropped", item.event, reason);
    return reason;
  }

  #drop(counts: TopicCounts, reason: DropReason): void {
    this.#options.statistics.dropped(counts, reason);
    this.#drops[reason] += 1;
  }

  #lose(count: number, reason: LossReason): void {
    if (this.#lost === 0) this.#lossReason = reason;
    this.#lost += count;
  }

  #admitWaiting(): void {
    let admitted = 0;
    for (const { item, settle } of this.#waiting) {
      if (!this.#enqueue(item)) break;
      this.#options.note("queued", item.event, "its publisher waited for room");
      settle("queued");
      admitted += 1;
    }
    this.#waiting.splice(0, admitted);
    this.#stall?.cancel();
    this.#stall = this.#waiting.length > 0 ? this.#watchForStall() : undefined;
  }

  #watchForStall(): Timer {
    const { runtime, stallTimeoutMs, onStall } = this.#options;
    return runtime.setTimer(() => {
      onStall(this.#error(`took nothing for ${stallTimeoutMs} ms while publishers waited for it`));
    }, stallTimeoutMs);
  }

  #error(problem: string): LoomError {
    return new LoomError(
      "resource_exhausted",
      `the subscriber ${problem}; ${this.backlog} events are queued, ${this.#waiting.length} publishers wait. ` +
        "Read faster, or subscribe with QOS_REALTIME to lose the oldest events instead",
      {
        retryable: true,
        details: { limit: "stallTimeoutMs", value: String(this.#options.stallTimeoutMs) },
      },
    );
  }
}
