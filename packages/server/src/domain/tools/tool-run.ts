import { LoomError, type Runtime } from "@loom-bridge/protocol";
import type { ToolInvocation, ToolOutcome } from "./tool.ts";
import { toolFailures } from "./tool-outcome.ts";
import type { ToolSeat } from "./tool-registry.ts";

/** One run of a tool at one provider. */
export interface ToolRun {
  /** Never rejects. */
  readonly outcome: Promise<ToolOutcome>;
  /** Ends the run as CANCELLED, unless it has ended. */
  cancel(): void;
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
 * Starts a run. It ends exactly once: by the provider's outcome, its time, `cancel` or the provider's removal,
 * whichever is first. The provider is told by its signal when the outcome no longer matters.
 */
export function startToolRun(options: ToolRunOptions): ToolRun {
  const { seat, invocation, runtime, check, onDefect, onLateResult } = options;
  const { provider, openCalls } = seat;
  const abort = new AbortController();
  let end: (outcome: ToolOutcome, reason?: LoomError) => void = () => {};
  let ended = false;

  const outcome = new Promise<ToolOutcome>((resolve) => {
    const lost = (): void => end(toolFailures.providerLost(provider.id), new LoomError("aborted", "provider removed"));
    const timer = runtime.setTimer(() => {
      const { timeoutMs } = invocation;
      end(toolFailures.timeout(timeoutMs), new LoomError("deadline_exceeded", `no result within ${timeoutMs} ms`));
    }, invocation.timeoutMs);
    openCalls.add(lost);
    end = (result, reason) => {
      if (ended) return;
      ended = true;
      timer.cancel();
      openCalls.delete(lost);
      resolve(result);
      if (reason !== undefined) abort.abort(reason);
    };
  });

  const failed = (error: unknown): void => {
    // A provider that was told to stop may well reject.
    if (!ended) onDefect(error);
    end(toolFailures.defect());
  };
  const settle = (result: ToolOutcome): void => {
    if (ended && result.status === "ok") onLateResult();
    if (!ended) end(check(result));
  };
  try {
    Promise.resolve(provider.call(invocation, abort.signal)).then(settle).catch(failed);
  } catch (error) {
    failed(error);
  }

  return { outcome, cancel: () => end(toolFailures.cancelled(true), new LoomError("canceled", "the caller gave up")) };
}
