import type { CallSignal } from "./call-signal.ts";
import type { ToolOutcome } from "./tool.ts";
import { toolFailures } from "./tool-outcome.ts";
import type { ToolRun } from "./tool-run.ts";

/** A run with everybody who waits for it: the first caller and those who repeated its call. */
export interface SharedRun {
  /** Waits for the outcome, or until the signal aborts; the last who gives up cancels the run. */
  wait(signal: CallSignal | undefined): Promise<ToolOutcome>;
  /** Calls back with the outcome before any waiter gets it. */
  onEnd(callback: (outcome: ToolOutcome) => void): void;
}

export function createSharedRun(run: ToolRun, finished: (outcome: ToolOutcome) => void): SharedRun {
  run.onEnd(finished);
  let waiting = 0;
  return {
    wait(signal) {
      waiting += 1;
      return new Promise((resolve) => {
        const giveUp = (): void => {
          waiting -= 1;
          if (waiting === 0) run.cancel();
          resolve(toolFailures.cancelled(true));
        };
        if (signal?.aborted) {
          giveUp();
          return;
        }
        signal?.addEventListener("abort", giveUp);
        run.onEnd((outcome) => {
          signal?.removeEventListener("abort", giveUp);
          resolve(outcome);
        });
      });
    },
    onEnd: (callback) => run.onEnd(callback),
  };
}
