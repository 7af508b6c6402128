import { LoomError } from "@loom-bridge/protocol";
import { DropReason, type PublishError, type Receipt } from "@loom-bridge/protocol/messages";

/** What happened to a publish. */
export interface PublishReceipt {
  readonly eventId: string;
  /** Subscriptions whose filters matched. */
  readonly matched: number;
  /** Of these, the ones whose queue took the event. */
  readonly queued: number;
  /** Of these, the ones whose queue was full or whose subscriber went away. */
  readonly dropped: number;
  /** Why events were dropped, each reason once. */
  readonly drops: readonly PublishDrop[];
  /** The event was published before, with this id, within two minutes; the counts are those of the first time. */
  readonly duplicate: boolean;
  /** Its place in the bridge's log. 0: the topic is not kept, or the bridge answered several publishes as one. */
  readonly offset: number;
}

/** How many copies of an event were lost, and why. */
export interface PublishDrop {
  readonly reason: "queue-full" | "subscriber-left" | "unknown";
  readonly count: number;
}

/** What a receipt says of one of its publishes: `isLast` is the one whose offset it gives. */
export function readReceipt(
  receipt: Receipt,
  publish: { topic: string; id: string },
  isLast: boolean,
): PublishReceipt | LoomError {
  const { matched, queued, dropped, duplicate, error } = receipt;
  if (error !== undefined) return refused(publish, error);
  const drops = receipt.drops.map(({ reason, count }) => ({ reason: dropReasons[reason] ?? "unknown", count }));
  return {
    eventId: publish.id,
    matched,
    queued,
    dropped,
    drops,
    duplicate,
    offset: isLast ? Number(receipt.offset) : 0,
  };
}

function refused({ topic, id }: { topic: string; id: string }, error: PublishError): LoomError {
  const code = refusals.find((known) => known === error.code) ?? "unknown";
  return new LoomError(code, `the bridge refused the event ${JSON.stringify(id)}: ${error.message}`, {
    details: { topic, eventId: id },
  });
}

const refusals = [
  "invalid_argument",
  "resource_exhausted",
  "unavailable",
  "permission_denied",
  "failed_precondition",
  "deadline_exceeded",
] as const;

const dropReasons: Readonly<Partial<Record<DropReason, PublishDrop["reason"]>>> = {
  [DropReason.QUEUE_FULL]: "queue-full",
  [DropReason.SUBSCRIBER_LEFT]: "subscriber-left",
};
