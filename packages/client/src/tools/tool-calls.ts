import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { LoomError, limits, type Runtime, type Timer } from "@loom-bridge/protocol";
import {
  type ClientEvent,
  ToolCallSchema,
  ToolCancelSchema,
  ToolRequestSchema,
  type ToolResponse,
  type ToolResult,
} from "@loom-bridge/protocol/messages";
import { clientEvent } from "../connection/client-event.ts";
import { OutcomeUnknownError } from "../errors/outcome-unknown-error.ts";
import { RequestTimeoutError } from "../errors/request-timeout-error.ts";

/** The bridge keeps the call's time; this much later the caller no longer waits for the bridge. */
const answerMarginMs = 5000;
/** For a bridge that names no limit. */
const defaultOpenCalls = 256;

interface OpenCall {
  readonly name: string;
  settle(outcome: ToolResult | LoomError): void;
}

/** The calls that one stream has made and waits for. */
export class ToolCalls {
  readonly #runtime: Runtime;
  readonly #send: (frame: ClientEvent, bytes: number) => Promise<void>;
  readonly #open = new Map<number, OpenCall>();
  #lastRef = 0;
  #maxOpen = defaultOpenCalls;

  constructor(runtime: Runtime, send: (frame: ClientEvent, bytes: number) => Promise<void>) {
    this.#runtime = runtime;
    this.#send = send;
  }

  /** Takes over the limit that the bridge names. */
  limit(maxOpenCalls: number): void {
    this.#maxOpen = maxOpenCalls || defaultOpenCalls;
  }

  get open(): number {
    return this.#open.size;
  }

  /** Resolves with the result, whatever its status. */
  call(init: MessageInitShape<typeof ToolCallSchema>, signal?: AbortSignal): Promise<ToolResult> {
    const call = create(ToolCallSchema, init);
    let bytes: number;
    try {
      bytes = toBinary(ToolCallSchema, call).byteLength;
    } catch (cause) {
      const message = `the call of tool ${JSON.stringify(call.name)} cannot be encoded: ${(cause as Error).message}`;
      return Promise.reject(new LoomError("invalid_argument", message, { cause }));
    }
    if (signal?.aborted) return Promise.reject(canceled(call.name, signal));
    if (this.#open.size >= this.#maxOpen) {
      const message = `${this.#maxOpen} tool calls are open already; await some before the next`;
      return Promise.reject(new LoomError("resource_exhausted", message));
    }
    this.#lastRef = (this.#lastRef % 0xffff_ffff) + 1;
    const ref = this.#lastRef;
    const timeoutMs = Math.min(call.timeoutMs || limits.toolTimeoutDefaultMs, limits.toolTimeoutMaxMs);
    return new Promise((resolve, reject) => {
      const settle = (outcome: ToolResult | LoomError): void => {
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
        this.#open.delete(ref);
        if (LoomError.isInstance(outcome)) reject(outcome);
        else resolve(outcome);
      };
      const onAbort = (): void => {
        this.#cancel(ref, "the caller gave up");
        settle(canceled(call.name, signal));
      };
      const timer: Timer = this.#runtime.setTimer(() => {
        this.#cancel(ref, "the caller's time is over");
        settle(new RequestTimeoutError(`tool ${JSON.stringify(call.name)}`, timeoutMs + answerMarginMs));
      }, timeoutMs + answerMarginMs);
      signal?.addEventListener("abort", onAbort);
      this.#open.set(ref, { name: call.name, settle });
      const frame = clientEvent("toolRequest", create(ToolRequestSchema, { ref, call }));
      this.#send(frame, bytes).catch(settle);
    });
  }

  onResponse(response: ToolResponse): void {
    const open = this.#open.get(response.ref);
    // An answer that nobody waits for any more.
    if (open === undefined) return;
    open.settle(response.result ?? new LoomError("internal", `the bridge answered ${open.name} without a result`));
  }

  close(cause: LoomError | undefined): void {
    for (const open of this.#open.values()) {
      open.settle(new OutcomeUnknownError(`the call of tool ${JSON.stringify(open.name)}`, cause));
    }
  }

  #cancel(ref: number, reason: string): void {
    const frame = clientEvent("toolCancel", create(ToolCancelSchema, { ref, reason }));
    // Refused only when the stream is over, and with it the call.
    this.#send(frame, reason.length).catch(() => {});
  }
}

function canceled(name: string, signal: AbortSignal | undefined): LoomError {
  return new LoomError("canceled", `the call of tool ${JSON.stringify(name)} was cancelled`, {
    cause: signal?.reason,
    details: { outcome: "UNKNOWN" },
  });
}
