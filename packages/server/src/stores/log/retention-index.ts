import type { RetentionLimits } from "../../domain/log/retention-limits.ts";
import { OffsetRun } from "./offset-run.ts";
import { createTopicLine, type Entry, type Gone, type TopicLine } from "./topic-line.ts";

export interface RetentionIndexOptions<Kept extends Entry> {
  readonly limits: RetentionLimits;
  readonly now: () => number;
  readonly bytesOf: (entry: Kept) => number;
  /** Called for every event that is over a limit. */
  readonly onPruned?: (entry: Kept) => void;
  /** Called for every topic that is forgotten. */
  readonly onForgotten?: (topic: string) => void;
}

/** Knows which events are kept, by topic and in the order of all, and which are no longer. */
export class RetentionIndex<Kept extends Entry> {
  readonly lines: Map<string, TopicLine<Kept>> = new Map();
  /** All events in order, and some that are gone already. */
  readonly order: OffsetRun<Kept> = new OffsetRun();
  /** What went with topics that were forgotten. */
  readonly gone: Gone = { through: 0, ms: Number.NEGATIVE_INFINITY };
  /** The offset of the last event that was added. */
  last = 0;
  readonly #options: RetentionIndexOptions<Kept>;
  #bytes = 0;
  #dead = 0;

  constructor(options: RetentionIndexOptions<Kept>) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.order.length - this.#dead;
  }

  add(entry: Kept): void {
    const { limits, bytesOf } = this.#options;
    const line = this.lines.get(entry.topic) ?? this.#begin(entry.topic);
    const bytes = bytesOf(entry);
    line.entries.push(entry);
    line.bytes += bytes;
    this.order.push(entry);
    this.#bytes += bytes;
    this.last = entry.offset;
    while (line.entries.length > limits.topicMessages || line.bytes > limits.topicBytes) this.#prune(line);
    this.prune();
  }

  /** Removes what is too old or too much in all. */
  prune(): void {
    const { limits, now } = this.#options;
    const oldestMs = now() - limits.ageMs;
    for (let first = this.order.first; first !== undefined; first = this.order.first) {
      const line = this.lines.get(first.topic);
      if (line === undefined || first.offset <= line.prunedThrough) {
        this.order.shift();
        this.#dead -= 1;
      } else if (this.#bytes > limits.totalBytes || first.publishedMs < oldestMs) {
        this.#prune(line);
      } else break;
    }
    if (this.#dead > 1024 && this.#dead > this.length) {
      this.order.keep((entry) => this.#isKept(entry));
      this.#dead = 0;
    }
  }

  #isKept(entry: Kept): boolean {
    const line = this.lines.get(entry.topic);
    return line !== undefined && entry.offset > line.prunedThrough;
  }

  /** Removes the oldest event of a topic. */
  #prune(line: TopicLine<Kept>): void {
    const oldest = line.entries.first;
    if (oldest === undefined) return;
    const bytes = this.#options.bytesOf(oldest);
    line.entries.shift();
    line.bytes -= bytes;
    line.prunedThrough = oldest.offset;
    line.prunedMs = Math.max(line.prunedMs, oldest.publishedMs);
    this.#bytes -= bytes;
    this.#dead += 1;
    this.#options.onPruned?.(oldest);
  }

  #begin(topic: string): TopicLine<Kept> {
    if (this.lines.size >= this.#options.limits.topics) this.#forgetOldest();
    const line = createTopicLine<Kept>(topic, this.gone);
    this.lines.set(topic, line);
    return line;
  }

  /** A hundredth at a time, so that the work is small on average. */
  #forgetOldest(): void {
    const newsOf = (line: TopicLine<Kept>): number => line.entries.last?.offset ?? line.prunedThrough;
    const byNews = [...this.lines.values()].sort((one, other) => newsOf(one) - newsOf(other));
    for (const line of byNews.slice(0, Math.ceil(byNews.length / 100))) {
      while (line.entries.length > 0) this.#prune(line);
      this.gone.through = Math.max(this.gone.through, line.prunedThrough);
      this.gone.ms = Math.max(this.gone.ms, line.prunedMs);
      this.lines.delete(line.topic);
      this.#options.onForgotten?.(line.topic);
    }
  }
}
