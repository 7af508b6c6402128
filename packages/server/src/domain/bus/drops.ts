/** Why a copy of an event was lost. */
export type DropReason = "queue-full" | "replaced" | "subscriber-left" | "given-up";

/** How many copies were lost, by reason. */
export type Drops = Record<DropReason, number>;

export function noDrops(): Drops {
  return { "queue-full": 0, replaced: 0, "subscriber-left": 0, "given-up": 0 };
}
