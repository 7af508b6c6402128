import { LoomError, type Runtime } from "@loom-bridge/protocol";
import type { Logger } from "../logger.ts";
import type { CallResultStore } from "./call-result-store.ts";
import type { CallSignal } from "./call-signal.ts";
import type { SharedRun } from "./shared-run.ts";
import type { ToolOutcome } from "./tool.ts";
import { type ToolFailureOutcome, toolFailures } from "./tool-outcome.ts";

/** A call with an idempotency key. */
export interface IdempotentCall {
  readonly key: string;
  /** Stands for the tool and its arguments. */
  readonly fingerprint: string;
  /** Whether it may run again when nobody knows what came of it before. */
  readonly mayRepeat: boolean;
  /** Starts it, and lets `keep` have its outcome before anybody else; or refuses it, which is not kept. */
  readonly start: (keep: (outcome: ToolOutcome) => Promise<ToolOutcome>) => SharedRun | ToolFailureOutcome;
  /** Called when it is not started, because a call with its key was. */
  readonly onDuplicate: () => void;
}

/** Runs calls with idempotency keys: once for each key, whoever calls and how often. */
export interface IdempotentCalls {
  /**
   * Starts the call, joins it, or gives its kept outcome.
   * @throws LoomError `failed_precondition` when the key was used for another request; what `start` or the store throws.
   */
  run(call: IdempotentCall, signal: CallSignal | undefined): Promise<ToolOutcome>;
}

export interface IdempotentCallsOptions {
  readonly store: CallResultStore;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

export function createIdempotentCalls({ store, runtime, logger }: IdempotentCallsOptions): IdempotentCalls {
  /** By key; bounded by the limits of open calls. */
  const open = new Map<string, { readonly fingerprint: string; readonly entered: Promise<SharedRun | ToolOutcome> }>();
  const nowMs = (): number => Math.floor(runtime.now());

  const keep = async (key: string, outcome: ToolOutcome): Promise<ToolOutcome> => {
    try {
      await store.end(key, outcome, nowMs());
      return outcome;
    } catch (error) {
      logger.error("the result of a call could not be kept", { error });
      return toolFailures.notKept();
    } finally {
      open.delete(key);
    }
  };

  const enter = async (call: IdempotentCall): Promise<SharedRun | ToolOutcome> => {
    const { key, fingerprint, mayRepeat } = call;
    const earlier = await store.begin({ key, fingerprint, mayRepeat }, nowMs());
    if (earlier !== undefined) {
      if (earlier.fingerprint !== fingerprint) throw usedOtherwise(key);
      call.onDuplicate();
      return earlier.outcome ?? toolFailures.interrupted();
    }
    let started: SharedRun | ToolFailureOutcome | undefined;
    try {
      started = call.start((outcome) => keep(key, outcome));
      return started;
    } finally {
      if (started === undefined || "status" in started) await store.forget(key);
    }
  };

  return {
    async run(call, signal) {
      const { key, fingerprint } = call;
      let shared = open.get(key);
      if (shared === undefined) {
        shared = { fingerprint, entered: enter(call) };
        open.set(key, shared);
      } else {
        if (shared.fingerprint !== fingerprint) throw usedOtherwise(key);
        call.onDuplicate();
      }
      let entered: SharedRun | ToolOutcome;
      try {
        entered = await shared.entered;
      } catch (error) {
        if (open.get(key) === shared) open.delete(key);
        throw error;
      }
      if (!("status" in entered)) return await entered.wait(signal);
      if (open.get(key) === shared) open.delete(key);
      return entered;
    },
  };
}

function usedOtherwise(kept: string): LoomError {
  const key = kept.slice(kept.indexOf("\0") + 1);
  return new LoomError(
    "failed_precondition",
    `idempotency_key ${JSON.stringify(key)} was used for another tool or other arguments; give each request its own key`,
    { details: { field: "idempotency_key" } },
  );
}
