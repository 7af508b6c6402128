import { create } from "@bufbuild/protobuf";
import { BoundedQueue, limits, NumberMap, type Runtime } from "@loom-bridge/protocol";
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
import { DeadlineTimer } from "./deadline-timer.ts";
import type { Tool } from "./define-tool.ts";
import { failure, runTool, type ToolResultInit } from "./run-tool.ts";
import { createToolContext } from "./served-calls.ts";
import { ServedRun, type ServedRunOptions } from "./served-run.ts";

const maxRunning = 64;
const maxWaiting = 1024;

export interface ToolServerOptions {
  readonly agentId: string;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly runtime: Runtime;
  /** Sends a frame, unless the stream is over. */
  readonly send: (frame: ClientEvent, bytes: number) => void;
  /** Called whenever a run has ended and its answer was taken. */
  readonly onIdle: () => void;
}

/** Serves the calls that come over one stream: 64 at a time, each with its own time and cancel. */
export class ToolServer {
  readonly #options: ToolServerOptions;
  readonly #run: ServedRunOptions;
  readonly #open = new NumberMap<ServedRun>();
  readonly #deadlines: DeadlineTimer;
  readonly #waiting = new BoundedQueue<ServedRun>({
    maxItems: maxWaiting,
    maxBytes: maxWaiting * limits.argumentsBytes,
  });
  #running = 0;
  #refusing = false;

  constructor(options: ToolServerOptions) {
    this.#options = options;
    this.#deadlines = new DeadlineTimer(options.runtime, (nowMs) => this.#expire(nowMs));
    this.#run = {
      runtime: options.runtime,
      onEnd: (run, result) => {
        this.#open.take(run.request.ref);
        if (result !== undefined) this.#send(run.request, result);
      },
    };
  }

  /** Calls that are open or whose function has not returned yet. */
  get busy(): number {
    return Math.max(this.#open.size, this.#running);
  }

  /** `nowMs`: when it came, on the monotonic clock. */
  onRequest(request: ToolRequest, nowMs: number): void {
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
    const run = new ServedRun(tool, request, nowMs, this.#run);
    this.#open.set(request.ref, run);
    this.#deadlines.add(run.deadlineMs, nowMs);
    if (this.#running < maxRunning) this.#start(run);
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
    this.#deadlines.cancel();
  }

  #expire(nowMs: number): void {
    for (const run of this.#open.values()) {
      if (run.deadlineMs <= nowMs) run.expire();
      else this.#deadlines.add(run.deadlineMs, nowMs);
    }
  }

  /** Runs it, and of those that wait as many as it and they leave room for. */
  #start(first: ServedRun): void {
    for (let run: ServedRun | undefined = first; run !== undefined; run = this.#waiting.shift()) {
      if (!this.#runNow(run)) return;
    }
  }

  /** Returns whether it is over already. */
  #runNow(run: ServedRun): boolean {
    this.#running += 1;
    if (run.abort.isAborted) return this.#end(run);
    const context = createToolContext(this.#options.agentId, run);
    const result = runTool(run.tool, run.request.call?.arguments ?? "", context);
    if (!(result instanceof Promise)) return this.#end(run, result);
    void result.then((late) => {
      this.#end(run, late);
      const next = this.#waiting.shift();
      if (next !== undefined) this.#start(next);
    });
    return false;
  }

  #end(run: ServedRun, result?: ToolResultInit): true {
    this.#running -= 1;
    if (result !== undefined) run.answer(result);
    this.#options.onIdle();
    return true;
  }

  #send(request: ToolRequest, result: ToolResultInit): void {
    const id = request.call?.id ?? "";
    const response = toResponse(request.ref, id, result);
    this.#options.send(clientEvent("toolResponse", response), result.output?.length ?? 0);
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
