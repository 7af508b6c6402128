import type { OverflowPolicy, Quality } from "./quality.ts";

/** Where a subscription begins in the log. */
export type StartPosition = (
  | { readonly kind: "after"; readonly offset: number }
  | { readonly kind: "since"; readonly timeMs: number }
  | { readonly kind: "last-value" }
) & {
  /** The log that an offset was seen in; empty: this one. */
  readonly logId: string;
};

/** What a subscriber asks for. */
export interface SubscriptionRequest {
  readonly id: number;
  /** Topics or patterns, at least one. */
  readonly filters: readonly string[];
  /** Empty: all types. */
  readonly eventTypes: readonly string[];
  readonly quality: Quality;
  /** How many events may be taken ahead of an acknowledgement. 0: any number. */
  readonly window: number;
  /** Default: as the quality says. */
  readonly overflow?: OverflowPolicy;
  /** Default: with the next event. */
  readonly start?: StartPosition;
  /** Whose members share the events. Default: the subscriber gets every event. */
  readonly group?: string;
  /** Events are delivered until they are settled. Needs a window. Default: once. */
  readonly atLeastOnce?: boolean;
  /** How long an event may be unsettled. Default: 30 000. */
  readonly settleTimeoutMs?: number;
  /** How often an event is delivered at most. Default: 5. */
  readonly maxAttempts?: number;
  /** The name under which the log keeps how far the subscriber, or the group, has come. */
  readonly durable?: string;
}

/** When a request names none: as long as a tool call may take by default. */
export const defaultSettleTimeoutMs = 30_000;
/** When a request names none: enough for a hiccup, and a poisonous event is out of the way in minutes. */
export const defaultMaxAttempts = 5;
