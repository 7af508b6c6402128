import type { ToolOutcome } from "./tool.ts";

/** A call with an idempotency key that has begun. */
export interface BegunCall {
  readonly key: string;
  /** Stands for the tool and its arguments. */
  readonly fingerprint: string;
  /** Whether it may run again when nobody knows what came of it before. */
  readonly mayRepeat: boolean;
}

/** What is kept of an earlier call with the same key. */
export interface EarlierCall {
  readonly fingerprint: string;
  /** Absent: it began, and its bridge stopped before it ended. */
  readonly outcome: ToolOutcome | undefined;
}

/** How much is kept of calls with idempotency keys. */
export interface CallResultLimits {
  /** How long a call is kept after it began, and anew after it ended, in milliseconds. Default: 24 hours. */
  readonly keepMs: number;
  /** Keys; the one that would be forgotten first makes room. Default: 100 000. */
  readonly keys: number;
  /** Bytes of keys and results, about; the same makes room. Default: 256 MiB. */
  readonly bytes: number;
}

export const defaultCallResultLimits: CallResultLimits = {
  keepMs: 86_400_000,
  keys: 100_000,
  bytes: 268_435_456,
};

/**
 * The port behind which the results of calls with idempotency keys are kept. One contract suite holds for every driver.
 *
 * Every call is one atomic step, also against other processes that share the store, and is as durable as the driver
 * when its promise is fulfilled. Times are of the wall clock, in whole milliseconds: a clock that is set forward
 * forgets early. Rejects with LoomError `unavailable` when the store is closed or cannot write.
 */
export interface CallResultStore {
  /**
   * Notes that a call begins, unless there is an earlier one with its key, which it returns. An earlier one with the
   * same fingerprint and no known outcome gives way when the new one may repeat it.
   */
  begin(call: BegunCall, nowMs: number): Promise<EarlierCall | undefined>;
  /** Keeps the outcome of a call that has begun. */
  end(key: string, outcome: ToolOutcome, nowMs: number): Promise<void>;
  /** Forgets a call that began and was then refused. */
  forget(key: string): Promise<void>;
  /** Finishes what was accepted. May be called twice. */
  close(): Promise<void>;
}
