import { limits, type Runtime } from "@loom-bridge/protocol";
import { type ToolRequest, ToolStatus } from "@loom-bridge/protocol/messages";
import { ToolError } from "../errors/tool-error.ts";
import type { Tool } from "./define-tool.ts";
import { LazyAbort } from "./lazy-abort.ts";
import { failure, type ToolResultInit } from "./run-tool.ts";
import type { ServedCall } from "./served-calls.ts";

export interface ServedRunOptions {
  readonly runtime: Runtime;
  /** Called once, when the run is answered or dropped: without a result, it is to have no answer. */
  readonly onEnd: (run: ServedRun, result: ToolResultInit | undefined) => void;
}

/** One call of a tool, from its request to its answer, which comes when its time is over at the latest. */
export class ServedRun implements ServedCall {
  readonly tool: Tool;
  readonly request: ToolRequest;
  readonly abort: LazyAbort = new LazyAbort();
  /** When its time is over, on the monotonic clock. */
  readonly deadlineMs: number;
  readonly #options: ServedRunOptions;
  #isOpen = true;

  constructor(tool: Tool, request: ToolRequest, nowMs: number, options: ServedRunOptions) {
    this.tool = tool;
    this.request = request;
    this.#options = options;
    const callMs = request.call?.timeoutMs || limits.toolTimeoutDefaultMs;
    this.deadlineMs = nowMs + Math.min(callMs, tool.timeoutMs ?? callMs);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get remainingMs(): number {
    return Math.max(0, this.deadlineMs - this.#options.runtime.monotonic());
  }

  /** Answers once; later answers are ignored. */
  answer(result: ToolResultInit): void {
    this.#end(result);
  }

  /** Its time is over. */
  expire(): void {
    this.answer(failure(new ToolError("TIMEOUT", "Timeout", { status: ToolStatus.TOOL_TIMEOUT })));
    this.abort.abort();
  }

  /** Ends it without an answer. */
  drop(): void {
    this.#end(undefined);
    this.abort.abort();
  }

  #end(result: ToolResultInit | undefined): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#options.onEnd(this, result);
  }
}
