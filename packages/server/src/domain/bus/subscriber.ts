import type { LoomError } from "@loom-bridge/protocol";
import type { BusEvent } from "./bus-event.ts";
import type { BusSubscription } from "./bus-subscription.ts";

/** Who receives events: it gets one copy of an event however many of its subscriptions match. */
export interface Subscriber {
  /** The agent's id; empty for a client without a session. */
  readonly name: string;
  /** Whether it may be sent an event that its filters match. Absent: each one. */
  accepts?: ((event: Pick<BusEvent, "topic" | "key">) => boolean) | undefined;
  /** Called when there may be something to take. */
  readonly onReady: () => void;
  /** Called when publishers waited too long for it, or the bridge is short of memory. It must end its subscriptions. */
  readonly onStall: (error: LoomError) => void;
  /** How to end each of its subscriptions, kept by the bus. */
  readonly entries: Map<BusSubscription, () => readonly (readonly string[])[]>;
}
