import { LoomError, type Runtime, type Timer } from "@loom-bridge/protocol";
import type { OpenCall } from "./open-calls.ts";
import type { ToolInvocation, ToolOutcome } from "./tool.ts";
import { toolFailures } from "./tool-outcome.ts";
import type { ToolSeat } from "./tool-registry.ts";
import type { StartedCall, ToolReply } from "./tool-runner.ts";
import type { ToolCounts } from "./tool-statistics.ts";

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

/** What runs at which provider. */
export interface ToolRunInit {
  readonly seat: ToolSeat;
  readonly invocation: ToolInvocation;
  /** Where the calls of the tool are counted. */
  readonly counts: ToolCounts;
}

/** Who has runs made: one for all of them, as functions for each would cost more than a short run. */
export interface ToolRunOwner {
  readonly runtime: Runtime;
  /** Returns the outcome, or the failure that it is. */
  check(outcome: ToolOutcome): ToolOutcome;
  /** Called when the provider fails otherwise than by an outcome, which it should not. */
  onDefect(run: ToolRunInit, error: unknown): void;
  /** Called when the provider has an output after the run has ended otherwise. */
  onLateResult(run: ToolRunInit): void;
}

/**
 * A run at one provider. It ends exactly once: by the provider's outcome, its time, `cancel` or the provider's removal,
 * whichever is first. The provider is told when the outcome no longer matters.
 */
class ProviderRun implements ToolRun, ToolReply, OpenCall {
  place = -1;
  readonly #init: ToolRunInit;
  readonly #owner: ToolRunOwner;
  /** Not a promise: who called waits for every turn of them. */
  readonly #callbacks: ((outcome: ToolOutcome) => void)[] = [];
  readonly #timer: Timer;
  #started: StartedCall | undefined;
  #outcome: ToolOutcome | undefined;

  constructor(init: ToolRunInit, owner: ToolRunOwner) {
    const { seat, invocation } = init;
    this.#init = init;
    this.#owner = owner;
    this.#timer = owner.runtime.setTimer(() => this.#timeOut(), invocation.timeoutMs);
    seat.openCalls.add(this);
    try {
      this.#started = seat.provider.start(invocation, this);
    } catch (error) {
      this.fail(error);
    }
  }

  onEnd(callback: (outcome: ToolOutcome) => void): void {
    if (this.#outcome === undefined) this.#callbacks.push(callback);
    else callback(this.#outcome);
  }

  settle(outcome: ToolOutcome): void {
    if (this.#outcome !== undefined) {
      if (outcome.status === "ok") this.#owner.onLateResult(this.#init);
      return;
    }
    try {
      this.#end(this.#owner.check(outcome));
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error: unknown): void {
    this.#owner.onDefect(this.#init, error);
    this.#end(toolFailures.defect());
  }

  cancel(): void {
    this.#end(toolFailures.cancelled(true), new LoomError("canceled", "the caller gave up"));
  }

  lose(): void {
    const { id } = this.#init.seat.provider;
    this.#end(toolFailures.providerLost(id), new LoomError("aborted", "provider removed"));
  }

  #timeOut(): void {
    const { timeoutMs } = this.#init.invocation;
    const reason = new LoomError("deadline_exceeded", `no result within ${timeoutMs} ms`);
    this.#end(toolFailures.timeout(timeoutMs), reason);
  }

  #end(outcome: ToolOutcome, reason?: LoomError): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    this.#timer.cancel();
    this.#init.seat.openCalls.remove(this);
    if (reason !== undefined) this.#started?.giveUp(reason);
    for (const callback of this.#callbacks) callback(outcome);
  }
}

export function startToolRun(init: ToolRunInit, owner: ToolRunOwner): ToolRun {
  return new ProviderRun(init, owner);
}
