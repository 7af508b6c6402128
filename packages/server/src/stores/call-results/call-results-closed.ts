import { LoomError } from "@loom-bridge/protocol";

/** The refusal of a call to a store that has been closed. */
export function callResultsClosed(): LoomError {
  return new LoomError("unavailable", "the results of calls are closed; the bridge is stopping");
}
