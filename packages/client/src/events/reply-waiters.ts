import { LoomError, type Runtime } from "@loom-bridge/protocol";
import { OutcomeUnknownError } from "../errors/outcome-unknown-error.ts";
import { RequestTimeoutError } from "../errors/request-timeout-error.ts";
import type { Envelope } from "./envelope.ts";

const maxOpenRequests = 16_384;

/** The requests that wait for a reply, by correlation id. */
export class ReplyWaiters {
  readonly #runtime: Runtime;
  readonly #waiting = new Map<string, (outcome: Envelope | LoomError) => void>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Waits for the first reply with this correlation id. Call it before the request goes out.
   * @throws LoomError at once, `resource_exhausted` when too many wait already, `canceled` when `signal` has aborted.
   */
  wait(correlationId: string, timeoutMs: number, signal?: AbortSignal): Promise<Envelope> {
    if (this.#waiting.size >= maxOpenRequests) {
      const message = `${maxOpenRequests} requests wait for a reply already; await some before the next`;
      throw new LoomError("resource_exhausted", message);
    }
    if (signal?.aborted) throw canceled(signal);
    return new Promise((resolve, reject) => {
      const settle = (outcome: Envelope | LoomError): void => {
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
        this.#waiting.delete(correlationId);
        if (LoomError.isInstance(outcome)) reject(outcome);
        else resolve(outcome);
      };
      const onAbort = (): void => settle(canceled(signal));
      const timer = this.#runtime.setTimer(() => settle(new RequestTimeoutError("the request", timeoutMs)), timeoutMs);
      this.#waiting.set(correlationId, settle);
      signal?.addEventListener("abort", onAbort);
    });
  }

  /** Hands a reply to who waits for it. Returns whether somebody did. */
  resolve(reply: Envelope): boolean {
    const settle = this.#waiting.get(reply.correlationId ?? "");
    settle?.(reply);
    return settle !== undefined;
  }

  reject(correlationId: string, reason: LoomError): void {
    this.#waiting.get(correlationId)?.(reason);
  }

  close(cause: LoomError | undefined): void {
    for (const settle of this.#waiting.values()) settle(new OutcomeUnknownError("the request", cause));
  }
}

function canceled(signal: AbortSignal | undefined): LoomError {
  return new LoomError("canceled", "the request was cancelled", { cause: signal?.reason });
}
