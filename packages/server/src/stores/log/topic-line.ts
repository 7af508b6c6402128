import { OffsetRun } from "./offset-run.ts";

/** What the index knows of an event. */
export interface Entry {
  readonly topic: string;
  readonly offset: number;
  readonly publishedMs: number;
}

/** One topic's events in an index. It stays when its events are gone, to tell that there were some. */
export interface TopicLine<Kept extends Entry> {
  readonly topic: string;
  readonly segments: readonly string[];
  readonly entries: OffsetRun<Kept>;
  bytes: number;
  /** The offset of the last event that is gone. */
  prunedThrough: number;
  /** When it was published. */
  prunedMs: number;
}

export function createTopicLine<Kept extends Entry>(topic: string, gone: Gone): TopicLine<Kept> {
  return {
    topic,
    segments: topic.split("."),
    entries: new OffsetRun(),
    bytes: 0,
    prunedThrough: gone.through,
    prunedMs: gone.ms,
  };
}

/** Events that are gone, with their topics: the last one's offset, and the latest time of one. */
export interface Gone {
  through: number;
  ms: number;
}
