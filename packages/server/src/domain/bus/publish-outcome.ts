import type { DeliveryResult } from "./event-feed.ts";

/** Copies that were dropped for one reason. */
export interface Drop {
  readonly reason: Exclude<DeliveryResult, "queued">;
  readonly count: number;
}

/** What became of a publish. `matched` = `queued` + `dropped`; a subscriber counts once however many filters match. */
export interface PublishOutcome {
  readonly matched: number;
  readonly queued: number;
  readonly dropped: number;
  /** Each reason once. */
  readonly drops: readonly Drop[];
  /** The event's place in the log. 0: it is not kept. */
  readonly offset: number;
  /** The event was published before; the counts are those of the first time, or 0 when that was before a restart. */
  readonly duplicate: boolean;
}

const noDrops: readonly Drop[] = [];

/** The outcome of an event that lies in the queue of everybody who wants it. */
export function allQueued(matched: number, offset: number): PublishOutcome {
  return { matched, queued: matched, dropped: 0, drops: noDrops, offset, duplicate: false };
}

export function countResults(results: readonly DeliveryResult[], offset: number): PublishOutcome {
  const matched = results.length;
  let queued = 0;
  for (const result of results) if (result === "queued") queued += 1;
  if (queued === matched) return allQueued(matched, offset);
  const drops = (["queue-full", "subscriber-left"] as const)
    .map((reason) => ({ reason, count: results.filter((result) => result === reason).length }))
    .filter(({ count }) => count > 0);
  return { matched, queued, dropped: matched - queued, drops, offset, duplicate: false };
}
