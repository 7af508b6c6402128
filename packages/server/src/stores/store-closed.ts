import { LoomError } from "@loom-bridge/protocol";

/** The refusal of a call to a store that has been closed. */
export function storeClosed(): LoomError {
  return new LoomError("unavailable", "the memory store is closed; the bridge is stopping");
}
