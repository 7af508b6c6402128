import type { Taken } from "./outlet.ts";
import type { Verdict } from "./settlement.ts";

/** A subscriber's place on the bus. */
export interface BusSubscription {
  readonly id: number;
  /** Events that are queued for it, or for its group. */
  readonly backlog: number;
  /** What is queued for it alone, in bytes. */
  readonly backlogBytes: number;
  /** How many members its group has, itself among them. 0: it has no group. */
  readonly groupMembers: number;
  /** Takes events, at most so many and, after the first, so many bytes, as the window allows. */
  take(maxItems: number, maxBytes: number): Taken[];
  /** The subscriber is done with everything up to this sequence number. */
  acknowledge(sequence: number): void;
  /**
   * The subscriber says something of one event. One that is settled already stays so.
   * @throws LoomError `failed_precondition` when the subscription is delivered at most once.
   */
  settle(sequence: number, verdict: Verdict): void;
}
