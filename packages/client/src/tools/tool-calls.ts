import { create, toBinary } from "@bufbuild/protobuf";
import { LoomError, limits, type Runtime, type Timer } from "@loom-bridge/protocol";
import {
  type ClientEvent,
  type ToolCall,
  ToolCallSchema,
  ToolCancelSchema,
  type ToolResponse,
  type ToolResult,
  ToolStatus,
} from "@loom-bridge/protocol/messages";
import { clientEvent } from "../connection/client-event.ts";
import type { FrameSource } from "../connection/outbox.ts";
import { OutcomeUnknownError } from "../errors/outcome-unknown-error.ts";
import { RequestTimeoutError } from "../errors/request-timeout-error.ts";
import { servedIsOver } from "./served-calls.ts";

/** The bridge keeps the call's time; this much later the caller no longer waits for the bridge. */
const answerMarginMs = 5000;
/**
 * How long after a reconnect a call waits for a provider that has yet to come back, and how often it asks, in ms: an
 * outage takes the provider too, and the longest wait before it tries again is 10 s.
 */
const providerReturn = { withinMs: 12_000, everyMs: 500 };
/** For a bridge that names no limit. */
const defaultOpenCalls = 256;

interface OpenCall {
  readonly call: ToolCall;
  /** Whether running the tool twice does no harm, so that the call may be sent again. */
  readonly repeatable: boolean;
  /** The call to this agent that it is a part of, on the stream that stands; 0: of none. */
  readonly onBehalfOf: number;
  /** Whether it was sent, on the stream that stands or ever. */
  sent: "no" | "now" | "before";
  /** Set while it waits to be sent again. */
  retry: Timer | undefined;
  settle(outcome: ToolResult | LoomError): void;
}

export interface ToolCallOptions {
  readonly repeatable: boolean;
  readonly onBehalfOf: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * The calls that an agent has made and waits for, over all its streams. What was not sent when a stream breaks, or may
 * be repeated, goes out on the next one.
 */
export class ToolCalls implements FrameSource {
  readonly #runtime: Runtime;
  readonly #open = new Map<number, OpenCall>();
  /** Refs of the calls to send; some may have ended meanwhile. */
  #unsent: number[] = [];
  #cancels: ClientEvent[] = [];
  #onChange = (): void => {};
  #isOpen = false;
  /** Until when a tool that is not there may come back with its provider. Before the first stream was lost: never. */
  #returnsUntilMs = Number.NEGATIVE_INFINITY;
  #wasLost = false;
  #lastRef = 0;
  #maxOpen = defaultOpenCalls;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Calls that wait for an answer. */
  get open(): number {
    return this.#open.size;
  }

  /** Of these, the ones that the bridge has been told. */
  get sent(): number {
    return Array.from(this.#open.values()).filter(({ sent }) => sent === "now").length;
  }

  /** Begins with a stream that the bridge has acknowledged: at most so many calls may be open. */
  attach(maxOpenCalls: number, onChange: () => void): void {
    this.#maxOpen = maxOpenCalls || defaultOpenCalls;
    this.#onChange = onChange;
    this.#isOpen = true;
    if (this.#wasLost) this.#returnsUntilMs = this.#runtime.monotonic() + providerReturn.withinMs;
  }

  /** The stream is over: what was sent and cannot be repeated has an unknown outcome. */
  detach(cause: LoomError | undefined): void {
    this.#isOpen = false;
    this.#wasLost = true;
    this.#onChange = (): void => {};
    this.#cancels = [];
    for (const open of [...this.#open.values()]) {
      open.retry?.cancel();
      // The call that it is a part of has ended with the stream, and another may have its number on the next.
      if (open.onBehalfOf !== 0) {
        open.settle(open.sent === "no" ? servedIsOver(open.call.name) : unknownOutcome(open.call, cause));
        continue;
      }
      if (open.sent === "no") continue;
      open.sent = "before";
      if (!open.repeatable) open.settle(unknownOutcome(open.call, cause));
      // Without a key it changes nothing and is made anew: under its id, the bridge knows it as cancelled.
      else if (open.call.idempotencyKey === "") open.call.id = "";
    }
    this.#unsent = [...this.#open.keys()];
  }

  /** Ends every call: what may have been sent has an unknown outcome, what was not is refused with `unsent`. */
  close(cause: LoomError | undefined, unsent: LoomError): void {
    for (const open of [...this.#open.values()]) {
      open.settle(open.sent === "no" ? unsent : unknownOutcome(open.call, cause));
    }
  }

  take(): ClientEvent | undefined {
    if (!this.#isOpen) return undefined;
    const cancel = this.#cancels.shift();
    if (cancel !== undefined) return cancel;
    for (;;) {
      const ref = this.#unsent.shift();
      if (ref === undefined) return undefined;
      const open = this.#open.get(ref);
      if (open === undefined) continue;
      open.sent = "now";
      return clientEvent("toolRequest", {
        $typeName: "loom.bridge.v1.ToolRequest",
        ref,
        call: open.call,
        caller: "",
        callers: [],
        onBehalfOf: open.onBehalfOf,
      });
    }
  }

  /** Resolves with the result, whatever its status. */
  call(call: ToolCall, options: ToolCallOptions): Promise<ToolResult> {
    const { signal, repeatable, onBehalfOf } = options;
    const problem = checkEncoding(call);
    if (problem !== undefined) return Promise.reject(problem);
    if (signal?.aborted) return Promise.reject(canceled(call, signal, "NOT_SENT"));
    if (this.#open.size + this.#cancels.length >= this.#maxOpen) {
      const message = `${this.#maxOpen} tool calls are open already; await some before the next`;
      return Promise.reject(new LoomError("resource_exhausted", message));
    }
    this.#lastRef = (this.#lastRef % 0xffff_ffff) + 1;
    const ref = this.#lastRef;
    const timeoutMs = Math.min(call.timeoutMs || limits.toolTimeoutDefaultMs, limits.toolTimeoutMaxMs);
    return new Promise((resolve, reject) => {
      const settle = (outcome: ToolResult | LoomError): void => {
        timer.cancel();
        open.retry?.cancel();
        signal?.removeEventListener("abort", onAbort);
        this.#open.delete(ref);
        if (LoomError.isInstance(outcome)) reject(outcome);
        else resolve(outcome);
      };
      const giveUp = (reason: string, error: (outcome: "UNKNOWN" | "NOT_SENT") => LoomError): void => {
        if (open.sent === "now") this.#cancel(ref, reason);
        settle(error(open.sent === "no" ? "NOT_SENT" : "UNKNOWN"));
      };
      const onAbort = (): void => giveUp("the caller gave up", (outcome) => canceled(call, signal, outcome));
      const timer: Timer = this.#runtime.setTimer(() => {
        const what = `tool ${JSON.stringify(call.name)}`;
        const waitedMs = timeoutMs + answerMarginMs;
        giveUp("the caller's time is over", (outcome) => new RequestTimeoutError(what, waitedMs, { outcome }));
      }, timeoutMs + answerMarginMs);
      const open: OpenCall = { call, repeatable, onBehalfOf, sent: "no", retry: undefined, settle };
      signal?.addEventListener("abort", onAbort);
      this.#open.set(ref, open);
      this.#unsent.push(ref);
      this.#onChange();
    });
  }

  onResponse(response: ToolResponse): void {
    const open = this.#open.get(response.ref);
    // An answer that nobody waits for any more.
    if (open === undefined) return;
    const { result } = response;
    if (result?.status === ToolStatus.TOOL_NOT_FOUND && this.#runtime.monotonic() < this.#returnsUntilMs) {
      open.retry = this.#runtime.setTimer(() => {
        this.#unsent.push(response.ref);
        this.#onChange();
      }, providerReturn.everyMs);
      return;
    }
    open.settle(result ?? new LoomError("internal", `the bridge answered ${open.call.name} without a result`));
  }

  #cancel(ref: number, reason: string): void {
    this.#cancels.push(clientEvent("toolCancel", create(ToolCancelSchema, { ref, reason })));
    this.#onChange();
  }
}

function checkEncoding(call: ToolCall): LoomError | undefined {
  if (isPlain(call)) return undefined;
  try {
    toBinary(ToolCallSchema, call);
    return undefined;
  } catch (cause) {
    const message = `the call of tool ${JSON.stringify(call.name)} cannot be encoded: ${(cause as Error).message}`;
    return new LoomError("invalid_argument", message, { cause });
  }
}

/** Whether every field is what its type says, so that it is sure to be encoded; a chain is ours. */
function isPlain(call: ToolCall): boolean {
  const { name, id, correlationId, idempotencyKey, toolHash, headers, timeoutMs } = call;
  for (const key in headers) if (!isText(headers[key])) return false;
  const isTexts = isText(name) && isText(id) && isText(call.arguments) && isText(toolHash);
  const isKeys = isText(correlationId) && isText(idempotencyKey);
  return isTexts && isKeys && Number.isInteger(timeoutMs) && Math.abs(timeoutMs) < 2 ** 31;
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function unknownOutcome(call: ToolCall, cause: LoomError | undefined): LoomError {
  return new OutcomeUnknownError(`the call of tool ${JSON.stringify(call.name)}`, cause);
}

function canceled(call: ToolCall, signal: AbortSignal | undefined, outcome: "UNKNOWN" | "NOT_SENT"): LoomError {
  return new LoomError("canceled", `the call of tool ${JSON.stringify(call.name)} was cancelled`, {
    cause: signal?.reason,
    details: { outcome },
  });
}
