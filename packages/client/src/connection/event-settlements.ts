import { create } from "@bufbuild/protobuf";
import type { Runtime, Timer } from "@loom-bridge/protocol";
import {
  type ClientEvent,
  EventSettleSchema,
  type Settlement as SettlementMessage,
  SettlementSchema,
  Verdict,
} from "@loom-bridge/protocol/messages";
import { clientEvent } from "./client-event.ts";
import type { FrameSource } from "./outbox.ts";
import type { Settlement } from "./settlement.ts";

interface Lane {
  /** Sequence numbers of events that are not settled. */
  readonly open: Set<number>;
  /** What the bridge has not been told, the latest of each event. */
  readonly unsent: Map<number, SettlementMessage>;
  timer: Timer | undefined;
}

/** One frame carries at most so many. */
const maxSettlements = 1024;

/**
 * Settles the events of at-least-once subscriptions, one by one, and asks for more time for those that take long. How
 * many there are is bounded by the windows of the subscriptions.
 */
export class EventSettlements implements FrameSource {
  readonly #runtime: Runtime;
  readonly #onChange: () => void;
  readonly #lanes = new Map<number, Lane>();
  #closed = false;

  constructor(runtime: Runtime, onChange: () => void) {
    this.#runtime = runtime;
    this.#onChange = onChange;
  }

  /** Notes an event that has come. It stays ours for as long as `extendEveryMs` says to ask for more time. */
  received(
    subscription: number,
    sequence: number,
    extendEveryMs: number | undefined,
  ): (settlement: Settlement) => void {
    const lane = this.#laneOf(subscription);
    lane.open.add(sequence);
    if (extendEveryMs !== undefined) this.#extend(lane, extendEveryMs);
    return (settlement) => {
      if (this.#closed) return;
      if (settlement.verdict !== "working") lane.open.delete(sequence);
      lane.unsent.set(sequence, toMessage(sequence, settlement));
      this.#onChange();
    };
  }

  /** Forgets a subscription that has ended. */
  forget(subscription: number): void {
    this.#lanes.get(subscription)?.timer?.cancel();
    this.#lanes.delete(subscription);
  }

  take(): ClientEvent | undefined {
    for (const [subscription, { unsent }] of this.#lanes) {
      if (unsent.size === 0) continue;
      const settlements = [...unsent.values()].slice(0, maxSettlements);
      for (const { sequence } of settlements) unsent.delete(Number(sequence));
      return clientEvent("eventSettle", create(EventSettleSchema, { subscription, settlements }));
    }
    return undefined;
  }

  close(): void {
    this.#closed = true;
    for (const subscription of [...this.#lanes.keys()]) this.forget(subscription);
  }

  #laneOf(subscription: number): Lane {
    const known = this.#lanes.get(subscription);
    if (known !== undefined) return known;
    const lane: Lane = { open: new Set(), unsent: new Map(), timer: undefined };
    this.#lanes.set(subscription, lane);
    return lane;
  }

  #extend(lane: Lane, everyMs: number): void {
    lane.timer ??= this.#runtime.setTimer(() => {
      lane.timer = undefined;
      if (lane.open.size === 0) return;
      for (const sequence of lane.open) lane.unsent.set(sequence, toMessage(sequence, { verdict: "working" }));
      this.#extend(lane, everyMs);
      this.#onChange();
    }, everyMs);
  }
}

function toMessage(sequence: number, settlement: Settlement): SettlementMessage {
  return create(SettlementSchema, {
    sequence: BigInt(sequence),
    verdict: verdicts[settlement.verdict],
    delayMs: settlement.verdict === "retry" ? settlement.delayMs : 0,
    reason: settlement.verdict === "terminate" ? settlement.reason : "",
  });
}

const verdicts = {
  acknowledge: Verdict.ACKNOWLEDGE,
  retry: Verdict.RETRY,
  terminate: Verdict.TERMINATE,
  working: Verdict.WORKING,
} as const;
