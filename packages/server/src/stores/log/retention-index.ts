import type { RetentionLimits } from "../../domain/log/retention-limits.ts";
import { columnOf, Ring } from "../../domain/ring.ts";
import { createTopicLine, type Gone, isKept, type TopicLine } from "./topic-line.ts";

export interface RetentionIndexOptions<Contents> {
  readonly limits: RetentionLimits;
  readonly now: () => number;
  /** Makes what keeps the events of a topic. */
  readonly createContents: () => Contents;
  /** Called for every event that is over a limit: the oldest of its topic. */
  readonly onPruned: (line: TopicLine<Contents>, offset: number) => void;
  /** Called for every topic that is forgotten. */
  readonly onForgotten?: (topic: string) => void;
}

/**
 * A topic may have more events by its limit divided by this. One that goes for each that comes would wait for memory each
 * time; the processor fetches the next ones of many ahead.
 */
const leeway = 200;

/** Knows which events are kept, by topic and in the order of all, and which are no longer. */
export class RetentionIndex<Contents> {
  readonly lines: Map<string, TopicLine<Contents>> = new Map();
  /** What went with topics that were forgotten. */
  readonly gone: Gone = { through: 0, ms: Number.NEGATIVE_INFINITY };
  /** The offset of the last event that was added. */
  last = 0;
  readonly #options: RetentionIndexOptions<Contents>;
  /** All events in order, and some that are gone already. */
  readonly #order = new Ring((places) => ({
    offsets: new Float64Array(places),
    lines: columnOf<TopicLine<Contents> | undefined>(places, undefined),
  }));
  #bytes = 0;
  #dead = 0;

  constructor(options: RetentionIndexOptions<Contents>) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#order.length - this.#dead;
  }

  /** Adds an event to its topic's line, whose contents are for the caller to add before. */
  add(line: TopicLine<Contents>, offset: number, publishedMs: number, bytes: number): void {
    const { limits } = this.#options;
    line.entries.push(offset, publishedMs, bytes);
    line.bytes += bytes;
    const place = this.#order.push();
    this.#order.columns.offsets[place] = offset;
    this.#order.columns.lines[place] = line;
    this.#bytes += bytes;
    this.last = offset;
    if (line.entries.length - limits.topicMessages > limits.topicMessages / leeway) {
      while (line.entries.length > limits.topicMessages) this.#prune(line);
    }
    while (line.bytes > limits.topicBytes) this.#prune(line);
    this.prune(publishedMs);
  }

  /** A topic's line, which begins here where there is none. */
  lineOf(topic: string): TopicLine<Contents> {
    const known = this.lines.get(topic);
    if (known !== undefined) return known;
    if (this.lines.size >= this.#options.limits.topics) this.#forgetOldest();
    const line = createTopicLine(topic, this.#options.createContents(), this.gone);
    this.lines.set(topic, line);
    return line;
  }

  /** Removes what is too old or too much in all. */
  prune(nowMs: number = this.#options.now()): void {
    const { limits } = this.#options;
    const order = this.#order;
    const oldestMs = nowMs - limits.ageMs;
    while (order.length > 0) {
      const place = order.placeOf(0);
      const line = order.columns.lines[place] as TopicLine<Contents>;
      if (!isKept(line, order.columns.offsets[place] as number)) {
        order.columns.lines[place] = undefined;
        order.shift();
        this.#dead -= 1;
      } else if (this.#bytes > limits.totalBytes || line.entries.publishedMsAt(0) < oldestMs) {
        this.#prune(line);
      } else break;
    }
    if (this.#dead > 1024 && this.#dead > this.length) {
      const { offsets, lines } = order.columns;
      order.keep((place) => isKept(lines[place] as TopicLine<Contents>, offsets[place] as number));
      this.#dead = 0;
    }
  }

  /** Calls back for every event after an offset, in order, until that returns false. */
  scan(afterOffset: number, visit: (line: TopicLine<Contents>, offset: number) => boolean): void {
    const order = this.#order;
    const { offsets, lines } = order.columns;
    let low = 0;
    let high = order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((offsets[order.placeOf(middle)] as number) <= afterOffset) low = middle + 1;
      else high = middle;
    }
    for (let index = low; index < order.length; index += 1) {
      const place = order.placeOf(index);
      const offset = offsets[place] as number;
      const line = lines[place] as TopicLine<Contents>;
      if (isKept(line, offset) && !visit(line, offset)) return;
    }
  }

  /** Removes the oldest event of a topic. */
  #prune(line: TopicLine<Contents>): void {
    const { entries } = line;
    if (entries.length === 0) return;
    const bytes = entries.bytesAt(0);
    line.prunedThrough = entries.offsetAt(0);
    line.prunedMs = Math.max(line.prunedMs, entries.publishedMsAt(0));
    entries.shift();
    line.bytes -= bytes;
    this.#bytes -= bytes;
    this.#dead += 1;
    this.#options.onPruned(line, line.prunedThrough);
  }

  /** A hundredth at a time, so that the work is small on average. */
  #forgetOldest(): void {
    const newsOf = ({ entries, prunedThrough }: TopicLine<Contents>): number =>
      entries.length === 0 ? prunedThrough : entries.offsetAt(entries.length - 1);
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
