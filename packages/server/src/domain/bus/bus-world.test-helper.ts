import type { LoomError } from "@loom-bridge/protocol";
import { createInMemoryEventLog } from "../../stores/log/in-memory-event-log.ts";
import type { EventLog } from "../log/event-log.ts";
import type { RetentionLimits } from "../log/retention-limits.ts";
import { silentLogger } from "../logger.ts";
import { createManualRuntime, type ManualRuntime } from "../manual-runtime.ts";
import type { BusEvent } from "./bus-event.ts";
import type { BusSubscription } from "./bus-subscription.ts";
import { EventBus } from "./event-bus.ts";
import type { Taken } from "./outlet.ts";
import type { Subscriber } from "./subscriber.ts";
import type { SubscriptionRequest } from "./subscription-request.ts";

export interface TestSubscriber extends Subscriber {
  readonly stalls: LoomError[];
}

/** A bus with a log and a clock that stands still. */
export interface BusWorld {
  readonly runtime: ManualRuntime;
  readonly log: EventLog;
  readonly bus: EventBus;
  /** What was logged as an error. */
  readonly errors: string[];
  subscriber(name: string): TestSubscriber;
  subscribe(owner: Subscriber, request?: Partial<SubscriptionRequest>): BusSubscription;
  /** Ends everything that a subscriber has. */
  leave(owner: Subscriber): void;
}

export function createBusWorld(
  options: {
    readonly limits?: Partial<RetentionLimits>;
    readonly log?: EventLog;
    readonly runtime?: ManualRuntime;
    /** Default: 30 000. */
    readonly stallTimeoutMs?: number;
  } = {},
): BusWorld {
  const { runtime = createManualRuntime(), limits = {}, stallTimeoutMs = 30_000 } = options;
  const { log = createInMemoryEventLog({ runtime, limits }) } = options;
  const annotate = (body: Uint8Array, pairs: Readonly<Record<string, string>>): Uint8Array =>
    Buffer.concat([body, Buffer.from(JSON.stringify(pairs))]);
  const errors: string[] = [];
  const logger = { ...silentLogger, error: (message: string) => void errors.push(message) };
  const bus = new EventBus({ runtime, stallTimeoutMs, log, annotate, logger });
  const leave = (owner: Subscriber): void => {
    for (const subscription of [...owner.entries.keys()]) bus.unsubscribe(owner, subscription);
  };
  return {
    runtime,
    log,
    bus,
    errors,
    leave,
    subscriber(name) {
      const stalls: LoomError[] = [];
      const created: TestSubscriber = {
        name,
        stalls,
        entries: new Map(),
        onReady: () => {},
        onStall: (error) => {
          stalls.push(error);
          leave(created);
        },
      };
      return created;
    },
    subscribe(owner, request = {}) {
      const wanted = { id: 1, filters: ["a"], eventTypes: [], quality: "batched", window: 0 } as const;
      return bus.subscribe(owner, { ...wanted, ...request });
    },
  };
}

export function eventOf(topic: string, id = "e", sender = "", key = ""): BusEvent {
  return { topic, id, type: "t", sender, body: new Uint8Array(), key };
}

/** Everything that can be taken now, in batches. */
export function takeAll(subscription: BusSubscription, maxItems = 256): Taken[] {
  const batches: Taken[] = [];
  for (;;) {
    const taken = subscription.take(maxItems, 1_000_000);
    if (taken.length === 0) return batches;
    batches.push(...taken);
  }
}

export function idsOf(batches: readonly Taken[]): string[] {
  return batches.flatMap(({ events }) => events.map(({ id }) => id));
}
