/** How a subscription's events are queued. */
export type Quality = "realtime" | "batched" | "background";

/** What a full queue does with one more event. */
export type OverflowPolicy = "block" | "drop-oldest" | "drop-newest" | "latest-per-key" | "evict";

export interface QueueSettings {
  readonly maxItems: number;
  readonly maxBytes: number;
  readonly overflow: OverflowPolicy;
}

export interface QualitySettings {
  /** What a full queue does unless the subscription says otherwise. */
  readonly overflow: OverflowPolicy;
  /** Of an agent's matching subscriptions, the one with the highest rank gets the event. */
  readonly rank: number;
}

/** What the qualities mean. How long their queues are is a matter of the bridge's limits. */
export const qualities: Readonly<Record<Quality, QualitySettings>> = {
  realtime: { overflow: "drop-oldest", rank: 1 },
  batched: { overflow: "block", rank: 2 },
  background: { overflow: "block", rank: 3 },
};

/** The quality of a subscription that names none. */
export const defaultQuality: Quality = "batched";
