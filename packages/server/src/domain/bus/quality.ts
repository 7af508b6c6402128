/** How a subscription's events are queued. */
export type Quality = "realtime" | "batched" | "background";

/** What a full queue does with one more event. */
export type OverflowPolicy = "block" | "drop-oldest" | "drop-newest" | "latest-per-key" | "evict";

export interface QueueSettings {
  readonly maxItems: number;
  readonly maxBytes: number;
  /** What a full queue does unless the subscription says otherwise. */
  readonly overflow: OverflowPolicy;
  /** Of an agent's matching subscriptions, the one with the highest rank gets the event. */
  readonly rank: number;
}

const maxBytes = 8 * 1024 * 1024;

/** The queue of each quality. Sizes as upstream; the bound in bytes keeps 2048 large events affordable. */
export const qualities: Readonly<Record<Quality, QueueSettings>> = {
  realtime: { maxItems: 512, maxBytes, overflow: "drop-oldest", rank: 1 },
  batched: { maxItems: 2048, maxBytes, overflow: "block", rank: 2 },
  background: { maxItems: 4096, maxBytes, overflow: "block", rank: 3 },
};

/** The quality of a subscription that names none. */
export const defaultQuality: Quality = "batched";
