import type { Overflow } from "@loom-bridge/protocol";

/** How a subscription's events are queued. */
export type Quality = "realtime" | "batched" | "background";

export interface QueueSettings {
  readonly maxItems: number;
  readonly maxBytes: number;
  /** `drop-oldest` never delays a publisher; `refuse` makes publishers wait for room. */
  readonly overflow: Overflow;
  /** Of an agent's matching subscriptions, the one with the highest rank gets the event. */
  readonly rank: number;
}

const maxBytes = 8 * 1024 * 1024;

/** The queue of each quality. Sizes as upstream; the bound in bytes keeps 2048 large events affordable. */
export const qualities: Readonly<Record<Quality, QueueSettings>> = {
  realtime: { maxItems: 512, maxBytes, overflow: "drop-oldest", rank: 1 },
  batched: { maxItems: 2048, maxBytes, overflow: "refuse", rank: 2 },
  background: { maxItems: 4096, maxBytes, overflow: "refuse", rank: 3 },
};

/** The quality of a subscription that names none. */
export const defaultQuality: Quality = "batched";
