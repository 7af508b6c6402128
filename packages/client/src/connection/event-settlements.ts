import { create } from "@bufbuild/protobuf";
import { NumberMap, type Runtime, type Timer } from "@loom-bridge/protocol";
import {
  type ClientEvent,
  EventSettleSchema,
  type Settlement as SettlementMessage,
  Verdict,
} from "@loom-bridge/protocol/messages";
import { clientEvent } from "./client-event.ts";
import type { EventLine } from "./event-line.ts";
import type { FrameSource } from "./outbox.ts";
import type { Settlement } from "./settlement.ts";

/** One frame carries at most so many. */
const maxSettlements = 1024;

/** One subscription's events, each of which is settled by itself. */
class SettlementLine implements EventLine {
  readonly #runtime: Runtime;
  readonly #extendEveryMs: number | undefined;
  readonly #onChange: () => void;
  /** Sequence numbers of events that are not settled. */
  readonly #open = new NumberMap<true>();
  /** What the bridge has not been told, the latest of each event. */
  #unsent = new Map<number, SettlementMessage>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(runtime: Runtime, extendEveryMs: number | undefined, onChange: () => void) {
    this.#runtime = runtime;
    this.#extendEveryMs = extendEveryMs;
    this.#onChange = onChange;
  }

  received(sequence: number): void {
    this.#open.set(sequence, true);
    this.#extend();
  }

  settle(sequence: number, settlement: Settlement): void {
    if (this.#closed) return;
    if (settlement.verdict !== "working") this.#open.take(sequence);
    this.#unsent.set(sequence, toMessage(sequence, settlement));
    this.#onChange();
  }

  /** Takes the oldest of what the bridge has not been told. */
  take(): SettlementMessage[] {
    const unsent = [...this.#unsent];
    if (unsent.length > 0) this.#unsent = new Map(unsent.slice(maxSettlements));
    return unsent.slice(0, maxSettlements).map(([, message]) => message);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #extend(): void {
    if (this.#extendEveryMs === undefined) return;
    this.#timer ??= this.#runtime.setTimer(() => {
      this.#timer = undefined;
      if (this.#open.size === 0) return;
      for (const sequence of this.#open.numbers())
        this.#unsent.set(sequence, toMessage(sequence, { verdict: "working" }));
      this.#extend();
      this.#onChange();
    }, this.#extendEveryMs);
  }
}

/**
 * Settles the events of at-least-once subscriptions, one by one, and asks for more time for those that take long. How
 * many there are is bounded by the windows of the subscriptions.
 */
export class EventSettlements implements FrameSource {
  readonly #runtime: Runtime;
  readonly #onChange: () => void;
  readonly #lines = new Map<number, SettlementLine>();

  constructor(runtime: Runtime, onChange: () => void) {
    this.#runtime = runtime;
    this.#onChange = onChange;
  }

  /** Its events stay ours for as long as `extendEveryMs` says to ask for more time. */
  line(subscription: number, extendEveryMs: number | undefined): EventLine {
    const known = this.#lines.get(subscription);
    if (known !== undefined) return known;
    const line = new SettlementLine(this.#runtime, extendEveryMs, this.#onChange);
    this.#lines.set(subscription, line);
    return line;
  }

  /** Forgets a subscription that has ended. */
  forget(subscription: number): void {
    this.#lines.get(subscription)?.close();
    this.#lines.delete(subscription);
  }

  take(): ClientEvent | undefined {
    for (const [subscription, line] of this.#lines) {
      const settlements = line.take();
      if (settlements.length === 0) continue;
      return clientEvent("eventSettle", create(EventSettleSchema, { subscription, settlements }));
    }
    return undefined;
  }

  close(): void {
    for (const subscription of [...this.#lines.keys()]) this.forget(subscription);
  }
}

function toMessage(sequence: number, settlement: Settlement): SettlementMessage {
  return {
    $typeName: "loom.bridge.v1.Settlement",
    sequence: BigInt(sequence),
    verdict: verdicts[settlement.verdict],
    delayMs: settlement.verdict === "retry" ? settlement.delayMs : 0,
    reason: settlement.verdict === "terminate" ? settlement.reason : "",
  };
}

const verdicts = {
  acknowledge: Verdict.ACKNOWLEDGE,
  retry: Verdict.RETRY,
  terminate: Verdict.TERMINATE,
  working: Verdict.WORKING,
} as const;
