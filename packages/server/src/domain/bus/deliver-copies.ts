import type { LoggedEvent } from "./bus-event.ts";
import type { TopicCounts } from "./bus-statistics.ts";
import type { DeliveryResult } from "./event-feed.ts";
import { allQueued, countResults, type PublishOutcome } from "./publish-outcome.ts";
import { Queued } from "./queued.ts";
import type { Receiver } from "./subscriptions.ts";

type Result = DeliveryResult | Promise<DeliveryResult>;

/** Gives an event to all who get it; returns a promise only where one of their queues is full and the publisher waits. */
export function deliverCopies(
  event: LoggedEvent,
  receivers: readonly Receiver[],
  counts: TopicCounts,
  mayWait: boolean,
): PublishOutcome | Promise<PublishOutcome> {
  /** Absent while every copy was queued, as nearly always. */
  let results: Result[] | undefined;
  let queued = 0;
  const item = new Queued(event, counts);
  for (const receiver of receivers) {
    const result = receiver.deliver(item, mayWait);
    if (result === "queued" && results === undefined) queued += 1;
    else (results ??= Array.from<Result>({ length: queued }).fill("queued")).push(result);
  }
  if (results === undefined) return allQueued(queued, event.offset);
  return results.every(isSettled) ? countResults(results, event.offset) : countLater(results, event.offset);
}

async function countLater(results: readonly Result[], offset: number): Promise<PublishOutcome> {
  return countResults(await Promise.all(results.map(async (result) => result)), offset);
}

function isSettled(result: Result): result is DeliveryResult {
  return !(result instanceof Promise);
}
