import type { Drops } from "./drops.ts";
import type { OverflowPolicy, Quality } from "./quality.ts";

/** What a subscription, or a group, has had and has to come. */
export interface SubscriptionReport {
  /** The agent's id; empty for a group, and for a client without a session. */
  readonly agentId: string;
  /** Empty: it is no group. */
  readonly group: string;
  /** The agent's number for it; 0 for a group. */
  readonly id: number;
  readonly filters: readonly string[];
  readonly quality: Quality;
  readonly overflow: OverflowPolicy;
  readonly atLeastOnce: boolean;
  /** Members of the group. 0: it is none. */
  readonly members: number;
  /** Events that were put into its queue. */
  readonly delivered: number;
  readonly drops: Readonly<Drops>;
  /** Events in its queue, and their size. */
  readonly backlog: number;
  readonly backlogBytes: number;
  /** Events that were sent and are not acknowledged or settled. */
  readonly inFlight: number;
  /** Publishes that wait for room in its queue. */
  readonly waitingPublishers: number;
  /** How far it has read the log on its way to the present; nothing when it is there. */
  readonly readThrough: number | undefined;
}

/** Where a copy of an event is that its subscriber has not got, or is not done with. */
export interface PendingCopy {
  /** The agent's id, or the group. */
  readonly subscriber: string;
  /** In words. */
  readonly place: string;
}
