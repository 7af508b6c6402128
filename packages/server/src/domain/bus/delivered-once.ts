import { LoomError } from "@loom-bridge/protocol";

/** The refusal of a settlement where nothing waits for one. */
export function deliveredOnce(id: number): LoomError {
  return new LoomError(
    "failed_precondition",
    `subscription ${id} is delivered at most once, so there is nothing to settle; subscribe with DELIVERED_AT_LEAST_ONCE, or send EventAck`,
  );
}
