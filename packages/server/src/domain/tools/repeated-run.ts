import type { Runtime } from "@loom-bridge/protocol";
import type { ToolOutcome } from "./tool.ts";
import { toolFailures } from "./tool-outcome.ts";
import { outcomeOf, promisedRun, type ToolRun } from "./tool-run.ts";

export interface RepeatedRunOptions {
  readonly runtime: Runtime;
  /** The time of all attempts together. */
  readonly timeoutMs: number;
  readonly first: ToolRun;
  /** Starts another attempt. Undefined: there can be none. */
  readonly again: (lost: ToolOutcome, remainingMs: number) => ToolRun | undefined;
}

/** Attempts after the first. More would only keep the caller from its own plan for a tool that kills its providers. */
const maxRepeats = 2;
/** The longest wait before the second attempt; before the third it is twice as long. */
const backoffMs = 100;

/**
 * A run that is begun again when its provider is lost, after a random wait, so that the calls of a lost provider do not
 * all meet the next one at once. Only for tools that may run twice.
 */
export function repeatRun({ runtime, timeoutMs, first, again }: RepeatedRunOptions): ToolRun {
  const deadlineMs = runtime.monotonic() + timeoutMs;
  let current = first;
  let attempts = 1;
  let cancelled = false;
  let endWait = (): void => {};

  const wait = (durationMs: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = runtime.setTimer(resolve, durationMs);
      endWait = () => {
        timer.cancel();
        resolve();
      };
    });

  const attempt = async (): Promise<ToolOutcome> => {
    const outcome = await outcomeOf(current);
    if (outcome.status !== "error" || outcome.code !== "PROVIDER_LOST" || attempts > maxRepeats) return outcome;
    const waitMs = runtime.random() * backoffMs * 2 ** (attempts - 1);
    const remainingMs = Math.floor(deadlineMs - runtime.monotonic() - waitMs);
    if (remainingMs < 1) return outcome;
    await wait(waitMs);
    if (cancelled) return toolFailures.cancelled(true);
    const next = again(outcome, remainingMs);
    if (next === undefined) return outcome;
    current = next;
    attempts += 1;
    return await attempt();
  };

  const outcome = attempt().then((last) => (attempts === 1 ? last : withAttempts(last, attempts)));
  return promisedRun(outcome, () => {
    cancelled = true;
    current.cancel();
    endWait();
  });
}

function withAttempts(outcome: ToolOutcome, attempts: number): ToolOutcome {
  if (outcome.status === "ok") return outcome;
  return { ...outcome, details: { ...outcome.details, attempts: String(attempts) } };
}
