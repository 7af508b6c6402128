import { EntryRun } from "./entry-run.ts";

/** One topic's events in an index. It stays when its events are gone, to tell that there were some. */
export interface TopicLine<Contents> {
  readonly topic: string;
  readonly segments: readonly string[];
  readonly entries: EntryRun;
  /** The events themselves, in the same order, where they are kept in memory. */
  readonly contents: Contents;
  bytes: number;
  /** The offset of the last event that is gone. */
  prunedThrough: number;
  /** When it was published. */
  prunedMs: number;
}

export function createTopicLine<Contents>(topic: string, contents: Contents, gone: Gone): TopicLine<Contents> {
  return {
    topic,
    segments: topic.split("."),
    entries: new EntryRun(),
    contents,
    bytes: 0,
    prunedThrough: gone.through,
    prunedMs: gone.ms,
  };
}

/** Whether an event of this topic that was added is still there. */
export function isKept({ prunedThrough }: TopicLine<unknown>, offset: number): boolean {
  return offset > prunedThrough;
}

/** Events that are gone, with their topics: the last one's offset, and the latest time of one. */
export interface Gone {
  through: number;
  ms: number;
}
