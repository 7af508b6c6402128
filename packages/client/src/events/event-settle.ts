import { LoomError } from "@loom-bridge/protocol";
import type { Settlement } from "../connection/settlement.ts";

/**
 * What a handler may say of an event that is delivered at least once. Without a word, returning acknowledges it and
 * throwing asks for it again; `retry` and `terminate` take effect when the handler has returned.
 * @throws LoomError `failed_precondition` for an event that is delivered at most once.
 */
export interface EventSettle {
  /** Deliver it again, `delayMs` from now. Default: longer with each attempt, from about 1 s to 60 s. */
  retry(options?: { delayMs?: number }): void;
  /** Never deliver it again: it goes to the topic `$dlq.<topic>`, with the reason. */
  terminate(reason: string): void;
  /** The handler is still at it: the settle timeout begins anew. Done by itself unless `autoExtend` is false. */
  working(): void;
}

/** Collects a handler's verdict. */
export class Verdict implements EventSettle {
  readonly #isAtLeastOnce: boolean;
  readonly #retryDelayMs: () => number;
  readonly #onWorking: () => void;
  #settlement: Settlement | undefined;

  constructor(isAtLeastOnce: boolean, retryDelayMs: () => number, onWorking: () => void) {
    this.#isAtLeastOnce = isAtLeastOnce;
    this.#retryDelayMs = retryDelayMs;
    this.#onWorking = onWorking;
  }

  /** What the handler said, if it said something. */
  get settlement(): Settlement | undefined {
    return this.#settlement;
  }

  retry(options: { delayMs?: number } = {}): void {
    const { delayMs = this.#retryDelayMs() } = options;
    if (!(Number.isInteger(delayMs) && delayMs >= 0 && delayMs <= 0x7fff_ffff)) {
      const message = `delayMs is ${delayMs}; it must be a whole number from 0 to ${0x7fff_ffff}`;
      throw new LoomError("invalid_argument", message, { details: { field: "delayMs" } });
    }
    this.#decide({ verdict: "retry", delayMs });
  }

  terminate(reason: string): void {
    this.#decide({ verdict: "terminate", reason });
  }

  working(): void {
    this.#check();
    this.#onWorking();
  }

  #decide(settlement: Settlement): void {
    this.#check();
    this.#settlement = settlement;
  }

  #check(): void {
    if (this.#isAtLeastOnce) return;
    const message = 'the event is delivered at most once; subscribe with delivered: "at-least-once" to settle it';
    throw new LoomError("failed_precondition", message);
  }
}

const firstRetryMs = 1000;
const maxRetryMs = 60_000;

/** How long to wait before an event is delivered again, by the attempt that failed; `random` is from 0 up to 1. */
export function retryDelayMs(attempt: number, random: number): number {
  const boundMs = Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(attempt - 1, 30));
  // Half is kept, so that a delay is one; half is chance, so that failures do not come back together.
  return Math.round(boundMs * (0.5 + 0.5 * random));
}
