import { limits, type Timer } from "@loom-bridge/protocol";
import type { ToolCall } from "@loom-bridge/protocol/messages";

/** The bridge keeps the call's time; this much later the caller no longer waits for the bridge. */
const answerMarginMs = 5000;

export interface ToolCallOptions {
  /** Whether running the tool twice does no harm, so that the call may be sent again. */
  readonly repeatable: boolean;
  /** The call to this agent that it is a part of, on the stream that stands; 0: of none. */
  readonly onBehalfOf: number;
  readonly signal: AbortSignal | undefined;
}

interface Settle {
  readonly resolve: (output: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** A call that waits for its answer. */
export class OpenCall {
  readonly ref: number;
  readonly call: ToolCall;
  readonly repeatable: boolean;
  readonly onBehalfOf: number;
  readonly resolve: Settle["resolve"];
  readonly reject: Settle["reject"];
  /** When the caller no longer waits, on the monotonic clock. */
  readonly deadlineMs: number;
  /** Whether it was sent, on the stream that stands or ever. */
  sent: "no" | "now" | "before" = "no";
  /** Set while it waits to be sent again. */
  retry: Timer | undefined = undefined;
  /** Stops to listen to the caller's signal, where there is one. */
  unwatch: (() => void) | undefined = undefined;

  constructor(ref: number, call: ToolCall, options: ToolCallOptions, settle: Settle, nowMs: number) {
    this.ref = ref;
    this.call = call;
    this.repeatable = options.repeatable;
    this.onBehalfOf = options.onBehalfOf;
    this.resolve = settle.resolve;
    this.reject = settle.reject;
    this.deadlineMs = nowMs + this.waitMs;
  }

  /** How long the caller waits in all. */
  get waitMs(): number {
    return Math.min(this.call.timeoutMs || limits.toolTimeoutDefaultMs, limits.toolTimeoutMaxMs) + answerMarginMs;
  }

  /** What its caller can know when it ends without an answer. */
  get outcome(): "NOT_SENT" | "UNKNOWN" {
    return this.sent === "no" ? "NOT_SENT" : "UNKNOWN";
  }
}
