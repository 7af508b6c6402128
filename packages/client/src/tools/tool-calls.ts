import { create, toBinary } from "@bufbuild/protobuf";
import { LoomError, NumberMap, type Runtime } from "@loom-bridge/protocol";
import {
  type ClientEvent,
  type ToolCall,
  ToolCallSchema,
  ToolCancelSchema,
  type ToolResponse,
  ToolStatus,
} from "@loom-bridge/protocol/messages";
import { clientEvent } from "../connection/client-event.ts";
import type { FrameSource } from "../connection/outbox.ts";
import { OutcomeUnknownError } from "../errors/outcome-unknown-error.ts";
import { RequestTimeoutError } from "../errors/request-timeout-error.ts";
import { DeadlineTimer } from "./deadline-timer.ts";
import { OpenCall, type ToolCallOptions } from "./open-call.ts";
import { readOutput } from "./read-output.ts";
import { servedIsOver } from "./served-calls.ts";

/**
 * How long after a reconnect a call waits for a provider that has yet to come back, and how often it asks, in ms: an
 * outage takes the provider too, and the longest wait before it tries again is 10 s.
 */
const providerReturn = { withinMs: 12_000, everyMs: 500 };
/** For a bridge that names no limit. */
const defaultOpenCalls = 256;

/**
 * The calls that an agent has made and waits for, over all its streams. What was not sent when a stream breaks, or may
 * be repeated, goes out on the next one.
 */
export class ToolCalls implements FrameSource {
  readonly #runtime: Runtime;
  readonly #open = new NumberMap<OpenCall>();
  readonly #deadlines: DeadlineTimer;
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
    this.#deadlines = new DeadlineTimer(runtime, (nowMs) => this.#expire(nowMs));
  }

  /** Calls that wait for an answer. */
  get open(): number {
    return this.#open.size;
  }

  /** Of these, the ones that the bridge has been told. */
  get sent(): number {
    return this.#open.values().filter(({ sent }) => sent === "now").length;
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
    for (const open of this.#open.values()) {
      open.retry?.cancel();
      // The call that it is a part of has ended with the stream, and another may have its number on the next.
      if (open.onBehalfOf !== 0) {
        this.#fail(open, open.sent === "no" ? servedIsOver(open.call.name) : unknownOutcome(open.call, cause));
        continue;
      }
      if (open.sent === "no") continue;
      open.sent = "before";
      if (!open.repeatable) this.#fail(open, unknownOutcome(open.call, cause));
      // Without a key it changes nothing and is made anew: under its id, the bridge knows it as cancelled.
      else if (open.call.idempotencyKey === "") open.call.id = "";
    }
    this.#unsent = this.#open.numbers();
    if (this.#open.size === 0) this.#deadlines.cancel();
  }

  /** Ends every call: what may have been sent has an unknown outcome, what was not is refused with `unsent`. */
  close(cause: LoomError | undefined, unsent: LoomError): void {
    for (const open of this.#open.values()) {
      this.#fail(open, open.sent === "no" ? unsent : unknownOutcome(open.call, cause));
    }
    this.#deadlines.cancel();
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

  /**
   * Resolves with the tool's output.
   * @throws LoomError at once when it cannot be sent
   */
  call(call: ToolCall, options: ToolCallOptions): Promise<unknown> {
    const { signal } = options;
    checkEncoding(call);
    if (signal?.aborted) throw canceled(call, signal, "NOT_SENT");
    if (this.#open.size + this.#cancels.length >= this.#maxOpen) {
      const message = `${this.#maxOpen} tool calls are open already; await some before the next`;
      throw new LoomError("resource_exhausted", message);
    }
    this.#lastRef = (this.#lastRef % 0xffff_ffff) + 1;
    return new Promise((resolve, reject) => {
      const nowMs = this.#runtime.monotonic();
      const open = new OpenCall(this.#lastRef, call, options, { resolve, reject }, nowMs);
      this.#open.set(open.ref, open);
      this.#deadlines.add(open.deadlineMs, nowMs);
      if (signal !== undefined) this.#watch(open, signal);
      this.#unsent.push(open.ref);
      this.#onChange();
    });
  }

  onResponse({ ref, result }: ToolResponse): void {
    const open = this.#open.get(ref);
    // An answer that nobody waits for any more.
    if (open === undefined) return;
    if (result === undefined) {
      const message = `the bridge answered ${open.call.name} without a result`;
      return this.#fail(open, new LoomError("internal", message));
    }
    if (result.status === ToolStatus.TOOL_NOT_FOUND && this.#runtime.monotonic() < this.#returnsUntilMs) {
      open.retry = this.#runtime.setTimer(() => {
        this.#unsent.push(ref);
        this.#onChange();
      }, providerReturn.everyMs);
      return;
    }
    this.#forget(open);
    try {
      open.resolve(readOutput(open.call.name, result));
    } catch (error) {
      open.reject(error);
    }
  }

  #watch(open: OpenCall, signal: AbortSignal): void {
    const onAbort = (): void => this.#giveUp(open, "the caller gave up", canceled(open.call, signal, open.outcome));
    signal.addEventListener("abort", onAbort);
    open.unwatch = (): void => signal.removeEventListener("abort", onAbort);
  }

  #expire(nowMs: number): void {
    for (const open of this.#open.values()) {
      const { call, deadlineMs, waitMs, outcome } = open;
      if (deadlineMs > nowMs) {
        this.#deadlines.add(deadlineMs, nowMs);
        continue;
      }
      const error = new RequestTimeoutError(`tool ${JSON.stringify(call.name)}`, waitMs, { outcome });
      this.#giveUp(open, "the caller's time is over", error);
    }
  }

  #giveUp(open: OpenCall, reason: string, error: LoomError): void {
    if (open.sent === "now") this.#cancel(open.ref, reason);
    this.#fail(open, error);
  }

  #fail(open: OpenCall, error: LoomError): void {
    this.#forget(open);
    open.reject(error);
  }

  #forget(open: OpenCall): void {
    open.retry?.cancel();
    open.unwatch?.();
    this.#open.take(open.ref);
  }

  #cancel(ref: number, reason: string): void {
    this.#cancels.push(clientEvent("toolCancel", create(ToolCancelSchema, { ref, reason })));
    this.#onChange();
  }
}

/** @throws LoomError `invalid_argument` for a call with a field that is not what its type says */
function checkEncoding(call: ToolCall): void {
  if (isPlain(call)) return;
  try {
    toBinary(ToolCallSchema, call);
  } catch (cause) {
    const message = `the call of tool ${JSON.stringify(call.name)} cannot be encoded: ${(cause as Error).message}`;
    throw new LoomError("invalid_argument", message, { cause });
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
