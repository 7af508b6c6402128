import { LoomError, type Runtime } from "@loom-bridge/protocol";
import type { ToolInvocation, ToolOutcome } from "./tool.ts";
import { toolFailures } from "./tool-outcome.ts";
import type { ToolSeat } from "./tool-registry.ts";

/** One run of a tool. */
export interface ToolRun {
  /** Calls back with the outcome, once: when the run ends, or now if it has ended. */
  onEnd(callback: (outcome: ToolOutcome) => void): void;
  /** Ends the run as CANCELLED, unless it has ended. */
  cancel(): void;
}

/** A run whose outcome is a promise's, which never rejects. */
export function promisedRun(outcome: Promise<ToolOutcome>, cancel: () => void): ToolRun {
  return { onEnd: (callback) => void outcome.then(callback), cancel };
}

export function outcomeOf(run: ToolRun): Promise<ToolOutcome> {
  return new Promise((resolve) => {
    run.onEnd(resolve);
  });
}

export interface ToolRunOptions {
  readonly seat: ToolSeat;
  readonly invocation: ToolInvocation;
  readonly runtime: Runtime;
  /** Returns the outcome, or the failure that it is. */
  readonly check: (outcome: ToolOutcome) => ToolOutcome;
  /** Called when the provider's promise rejects, which it should not. */
  readonly onDefect: (error: unknown) => void;
  /** Called when the provider has an output after the run has ended otherwise. */
  readonly onLateResult: () => void;
}

/**
 * Starts a run at one provider. It ends exactly once: by the provider's outcome, its time, `cancel` or the provider's
 * removal, whichever is first. The provider is told by its signal when the outcome no longer matters.
 */
export function startToolRun(options: ToolRunOptions): ToolRun {
  const { seat, invocation, runtime, check, onDefect, onLateResult } = options;
  const { provider, openCalls } = seat;
  const abort = new AbortController();
  /** Not a promise: who called waits for every turn of them. */
  const callbacks: ((outcome: ToolOutcome) => void)[] = [];
  let outcome: ToolOutcome | undefined;

  const end = (result: ToolOutcome, reason?: LoomError): void => {
    if (outcome !== undefined) return;
    outcome = result;
    timer.cancel();
    openCalls.delete(lost);
    if (reason !== undefined) abort.abort(reason);
    for (const callback of callbacks) callback(result);
  };
  const lost = (): void => end(toolFailures.providerLost(provider.id), new LoomError("aborted", "provider removed"));
  const timer = runtime.setTimer(() => {
    const { timeoutMs } = invocation;
    end(toolFailures.timeout(timeoutMs), new LoomError("deadline_exceeded", `no result within ${timeoutMs} ms`));
  }, invocation.timeoutMs);
  openCalls.add(lost);

  const failed = (error: unknown): void => {
    // A provider that was told to stop may well reject. What fails after its outcome is a defect of ours.
    if (!abort.signal.aborted) onDefect(error);
    end(toolFailures.defect());
  };
  const settle = (result: ToolOutcome): void => {
    if (outcome === undefined) end(check(result));
    else if (result.status === "ok") onLateResult();
  };
  try {
    Promise.resolve(provider.call(invocation, abort.signal)).then(settle).catch(failed);
  } catch (error) {
    failed(error);
  }

  return {
    onEnd(callback) {
      if (outcome === undefined) callbacks.push(callback);
      else callback(outcome);
    },
    cancel: () => end(toolFailures.cancelled(true), new LoomError("canceled", "the caller gave up")),
  };
}
