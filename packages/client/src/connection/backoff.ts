import type { LoomError, Runtime } from "@loom-bridge/protocol";
import type { ReconnectOptions } from "./reconnect-options.ts";

/** A bridge may ask for a longer wait than ours, but not for one that looks like a dead agent. */
const maxAskedDelayMs = 3_600_000;

/** How long to wait before the next attempt: "full jitter", and what the bridge asks for on top of it. */
export class Backoff {
  readonly #options: Required<ReconnectOptions>;
  readonly #runtime: Runtime;
  #attempts = 0;

  constructor(options: Required<ReconnectOptions>, runtime: Runtime) {
    this.#options = options;
    this.#runtime = runtime;
  }

  /** Attempts since the last reset. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The wait before the next attempt, in milliseconds. */
  next(reason: LoomError | undefined): number {
    const { firstDelayMs, maxDelayMs } = this.#options;
    const boundMs = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    return askedDelayMs(reason) + Math.floor(boundMs * this.#runtime.random());
  }

  reset(): void {
    this.#attempts = 0;
  }
}

function askedDelayMs(reason: LoomError | undefined): number {
  const asked = Number(reason?.details["retry_after_ms"] ?? 0);
  return asked > 0 ? Math.min(asked, maxAskedDelayMs) : 0;
}
