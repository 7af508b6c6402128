import { type Gap, GapReason } from "@loom-bridge/protocol/messages";

/** Events that a subscription of this agent will not get. */
export interface EventGap {
  /** The subscription's id and filters. */
  readonly subscription: number;
  readonly filters: readonly string[];
  /** `queue-full`: the subscription's queue had no room. `not-retained`: the bridge no longer kept what was missed. */
  readonly reason: "queue-full" | "not-retained" | "unknown";
  /** How many; undefined when the bridge does not know. */
  readonly lost: number | undefined;
}

export function readGap(gap: Gap, filters: readonly string[]): EventGap {
  const { subscription } = gap;
  const reason = reasons[gap.reason] ?? "unknown";
  const lost = reason === "not-retained" ? undefined : Number(gap.lastSequence - gap.firstSequence) + 1;
  return { subscription, filters, reason, lost };
}

const reasons: Readonly<Partial<Record<GapReason, EventGap["reason"]>>> = {
  [GapReason.QUEUE_FULL]: "queue-full",
  [GapReason.NOT_RETAINED]: "not-retained",
};
