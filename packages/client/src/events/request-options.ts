import type { EventInit } from "./event-init.ts";

/** How to ask. The other fields of the event may be given too. */
export interface RequestOptions extends Partial<EventInit> {
  /** How long to wait for the reply, in milliseconds. Default: 5000. */
  timeoutMs?: number;
  /** Gives up waiting. */
  signal?: AbortSignal;
}
