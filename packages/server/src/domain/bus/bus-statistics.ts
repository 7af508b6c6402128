import { type DropReason, type Drops, noDrops } from "./drops.ts";

/** Counts of one topic, or of all topics together. */
export interface TopicCounts {
  topic: string;
  published: number;
  delivered: number;
  dropped: number;
  readonly drops: Drops;
  backlog: number;
}

/** Counts are kept for this many topics; the ones published to longest ago are forgotten first. */
export const maxCountedTopics = 1000;

/**
 * Counts what the bus does, by topic. A topic's counts are forgotten, not those of the total, when nobody subscribes
 * to it any more or when there are too many topics.
 */
export class BusStatistics {
  readonly total: TopicCounts = createCounts("");
  readonly #topics = new Map<string, TopicCounts & { lastPublish: number }>();
  #publishes = 0;

  get topicCount(): number {
    return this.#topics.size;
  }

  published(topic: string): TopicCounts {
    const counts = this.of(topic);
    this.#publishes += 1;
    counts.lastPublish = this.#publishes;
    counts.published += 1;
    this.total.published += 1;
    return counts;
  }

  /** The counts of a topic. */
  of(topic: string): TopicCounts & { lastPublish: number } {
    let counts = this.#topics.get(topic);
    if (counts === undefined) {
      if (this.#topics.size >= maxCountedTopics) this.#forgetOldest();
      counts = { ...createCounts(topic), lastPublish: 0 };
      this.#topics.set(topic, counts);
    }
    return counts;
  }

  delivered(counts: TopicCounts): void {
    counts.delivered += 1;
    counts.backlog += 1;
    this.total.delivered += 1;
    this.total.backlog += 1;
  }

  /** An event left a queue. */
  taken(counts: TopicCounts): void {
    counts.backlog -= 1;
    this.total.backlog -= 1;
  }

  /** An event that was taken is in a queue again. */
  returned(counts: TopicCounts): void {
    counts.backlog += 1;
    this.total.backlog += 1;
  }

  dropped(counts: TopicCounts, reason: DropReason): void {
    for (const each of [counts, this.total]) {
      each.dropped += 1;
      each.drops[reason] += 1;
    }
  }

  /** Forgets a topic that nobody subscribes to, unless events of it are still queued. */
  forget(topic: string): void {
    if (this.#topics.get(topic)?.backlog === 0) this.#topics.delete(topic);
  }

  /** Copies of the counts, sorted by topic. */
  topics(): TopicCounts[] {
    return [...this.#topics.values()]
      .map(({ lastPublish: _, ...counts }) => ({ ...counts, drops: { ...counts.drops } }))
      .sort((a, b) => (a.topic < b.topic ? -1 : 1));
  }

  /** Half at a time, so that the work is small on average. */
  #forgetOldest(): void {
    const byAge = [...this.#topics.values()].sort((a, b) => a.lastPublish - b.lastPublish);
    for (const counts of byAge.slice(0, maxCountedTopics / 2)) this.#topics.delete(counts.topic);
  }
}

function createCounts(topic: string): TopicCounts {
  return { topic, published: 0, delivered: 0, dropped: 0, drops: noDrops(), backlog: 0 };
}
