import { create } from "@bufbuild/protobuf";
import { BoundedQueue, limits, type Runtime } from "@loom-bridge/protocol";
import {
  type ClientEvent,
  type ToolCancel,
  type ToolRequest,
  type ToolResponse,
  ToolResponseSchema,
  ToolStatus,
} from "@loom-bridge/protocol/messages";
import { clientEvent } from "../connection/client-event.ts";
import { ToolError } from "../errors/tool-error.ts";
import type { Tool } from "./define-tool.ts";
import { LazyAbort } from "./lazy-abort.ts";
import { failure, runTool, type ToolResultInit } from "./run-tool.ts";
import { createToolContext, type ServedCall } from "./served-calls.ts";

const maxRunning = 64;
const maxWaiting = 1024;

export interface ToolServerOptions {
  readonly agentId: string;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly runtime: Runtime;
  readonly send: (frame: ClientEvent, bytes: number) => Promise<void>;
  /** Called whenever a run has ended and its answer was taken. */
  readonly onIdle: () => void;
}

interface Run extends ServedCall {
  readonly tool: Tool;
  /** Answers once; later answers are ignored. */
  answer(result: ToolResultInit): void;
  /** Takes what belongs to the run away, without an answer. */
  drop(): void;
}

/** Serves the calls that come over one stream: 64 at a time, each with its own time and cancel. */
export class ToolServer {
  readonly #options: ToolServerOptions;
  readonly #open = new Map<number, Run>();
  readonly #waiting = new BoundedQueue<Run>({ maxItems: maxWaiting, maxBytes: maxWaiting * limits.argumentsBytes });
  #running = 0;
  #refusing = false;

  constructor(options: ToolServerOptions) {
    this.#options = options;
  }

  /** Calls that are open or whose function has not returned yet. */
  get busy(): number {
    return Math.max(this.#open.size, this.#running);
  }

  onRequest(request: ToolRequest): void {
    const { tools } = this.#options;
    const tool = tools.get(request.call?.name ?? "");
    if (tool === undefined) {
      const status = ToolStatus.TOOL_NOT_FOUND;
      const message = `this agent has no tool ${JSON.stringify(request.call?.name)}`;
      this.#send(request, failure(new ToolError("NOT_FOUND", message, { status })));
      return;
    }
    if (this.#refusing) {
      this.#send(request, failure(new ToolError("UNAVAILABLE", "the agent is stopping; the tool did not run")));
      return;
    }
    const run = this.#openRun(tool, request);
    if (this.#running < maxRunning) void this.#start(run);
    else if (this.#waiting.offer(run, request.call?.arguments.length ?? 0) === -1) {
      const message = `the agent is busy: ${maxRunning} calls run and ${this.#waiting.length} wait`;
      run.answer(failure(new ToolError("EXECUTION_ERROR", message)));
    }
  }

  onCancel(cancel: ToolCancel): void {
    this.#open.get(cancel.ref)?.drop();
  }

  /** Runs what it has to the end, and answers every further call that the agent is stopping. */
  refuse(): void {
    this.#refusing = true;
  }

  /** Ends every run without an answer. */
  close(): void {
    for (const run of this.#open.values()) run.drop();
  }

  #openRun(tool: Tool, request: ToolRequest): Run {
    const { runtime } = this.#options;
    const callMs = request.call?.timeoutMs || limits.toolTimeoutDefaultMs;
    const timeoutMs = Math.min(callMs, tool.timeoutMs ?? callMs);
    const abort = new LazyAbort();
    const isOpen = (): boolean => this.#open.get(request.ref) === run;
    const close = (): void => {
      timer.cancel();
      if (isOpen()) this.#open.delete(request.ref);
    };
    const drop = (): void => {
      close();
      abort.abort();
    };
    const answer = (result: ToolResultInit): void => {
      if (!isOpen()) return;
      close();
      this.#send(request, result);
    };
    const timer = runtime.setTimer(() => {
      answer(failure(new ToolError("TIMEOUT", "Timeout", { status: ToolStatus.TOOL_TIMEOUT })));
      abort.abort();
    }, timeoutMs);
    const deadlineMs = runtime.monotonic() + timeoutMs;
    const remainingMs = (): number => Math.max(0, deadlineMs - runtime.monotonic());
    const run: Run = { tool, request, abort, isOpen, remainingMs, answer, drop };
    this.#open.set(request.ref, run);
    return run;
  }

  async #start(run: Run): Promise<void> {
    if (!run.abort.isAborted) {
      this.#running += 1;
      const context = createToolContext(this.#options.agentId, run);
      const result = await runTool(run.tool, run.request.call?.arguments ?? "", context);
      this.#running -= 1;
      run.answer(result);
    }
    const [next] = this.#waiting.take(1);
    if (next !== undefined) void this.#start(next);
    this.#options.onIdle();
  }

  #send(request: ToolRequest, result: ToolResultInit): void {
    const id = request.call?.id ?? "";
    const response = toResponse(request.ref, id, result);
    // Refused only when the stream is over, and with it the call.
    this.#options.send(clientEvent("toolResponse", response), result.output?.length ?? 0).catch(() => {});
  }
}

function toResponse(ref: number, id: string, result: ToolResultInit): ToolResponse {
  const { status = ToolStatus.TOOL_OK, output = "", error } = result;
  if (error !== undefined) return create(ToolResponseSchema, { ref, result: { ...result, id } });
  return {
    $typeName: "loom.bridge.v1.ToolResponse",
    ref,
    result: { $typeName: "loom.bridge.v1.ToolResult", id, status, output },
  };
}
