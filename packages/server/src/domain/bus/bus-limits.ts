import { limits } from "@loom-bridge/protocol";
import type { Quality } from "./quality.ts";

/** What the bus takes and keeps in queues, as the operator sets it. */
export interface BusLimits {
  /** An encoded event, in bytes. Default, and the most that clients send: 1 MiB. */
  readonly eventBytes: number;
  /** Events in the queue of a subscription with the quality realtime. Default: 512. */
  readonly realtimeQueue: number;
  /** Of one with the quality batched. Default: 2048. */
  readonly batchedQueue: number;
  /** Of one with the quality background. Default: 4096. */
  readonly backgroundQueue: number;
  /** Bytes in the queue of any subscription. Default: 8 MiB, so that large events stay affordable. */
  readonly queueBytes: number;
}

export const defaultBusLimits: BusLimits = {
  eventBytes: limits.eventBytes,
  realtimeQueue: 512,
  batchedQueue: 2048,
  backgroundQueue: 4096,
  queueBytes: 8_388_608,
};

/** How many events a queue of each quality holds. */
export function queueItems(limits: BusLimits): Readonly<Record<Quality, number>> {
  return { realtime: limits.realtimeQueue, batched: limits.batchedQueue, background: limits.backgroundQueue };
}
