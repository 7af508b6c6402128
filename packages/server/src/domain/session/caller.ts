import { LoomError, NumberMap } from "@loom-bridge/protocol";
import type { Access } from "../access/access.ts";
import type { UnsignedCall } from "../tools/call-as.ts";
import { CallCancel, type CallSignal } from "../tools/call-signal.ts";
import type { ToolOutcome } from "../tools/tool.ts";
import type { ToolCallResult } from "../tools/tool-call.ts";
import type { ControlFrame } from "./control-frame.ts";

/** A tool call as an agent makes it: who calls, and for whom, is the session's to say. */
export type CallRequest = Omit<UnsignedCall, "onBehalfOf">;

export interface CallerOptions {
  /** The most calls that may be open. */
  readonly maxOpenCalls: number;
  /** For whom an open call to the agent is made. */
  readonly authorityOf: (ref: number) => readonly Access[] | undefined;
  readonly call: (request: UnsignedCall, signal: CallSignal) => Promise<ToolCallResult>;
  readonly send: (frame: ControlFrame) => void;
  /** Called when a call was not made because of its number. */
  readonly onRefused: (error: LoomError) => void;
  /** Called when a call failed for a reason that is not the caller's. */
  readonly onDefect: (error: unknown) => void;
}

const notRun = { details: { outcome: "NOT_RUN" } };

/** The tool calls that an agent makes on its session. Each is answered exactly once. */
export class Caller {
  readonly #options: CallerOptions;
  readonly #open = new NumberMap<CallCancel>();

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  /** `onBehalfOf` is the ref of the call to the agent that this one is a part of; 0: of none. */
  call(ref: number, request: CallRequest, onBehalfOf = 0): void {
    const authority = onBehalfOf === 0 ? undefined : this.#options.authorityOf(onBehalfOf);
    const isLate = onBehalfOf !== 0 && authority === undefined;
    const problem = this.#problemWith(ref) ?? (isLate ? notOpen(onBehalfOf) : undefined);
    if (problem !== undefined) {
      this.#options.onRefused(problem);
      this.#respond(ref, request.id, failure(problem));
      return;
    }
    const cancel = new CallCancel();
    this.#open.set(ref, cancel);
    const unsigned = authority === undefined ? request : { ...request, onBehalfOf: authority };
    this.#options.call(unsigned, cancel).then(
      ({ id, outcome }) => this.#finish(ref, id, outcome),
      (error: unknown) => {
        if (!LoomError.isInstance(error)) this.#options.onDefect(error);
        this.#finish(ref, request.id, failure(error));
      },
    );
  }

  cancel(ref: number): void {
    this.#open.get(ref)?.cancel();
  }

  /** The agent is gone: nobody waits for its calls any more. */
  close(): void {
    const open = this.#open.values();
    this.#open.clear();
    for (const cancel of open) cancel.cancel();
  }

  #problemWith(ref: number): LoomError | undefined {
    if (ref === 0 || this.#open.has(ref)) {
      return new LoomError(
        "invalid_argument",
        `ToolRequest.ref ${ref} is 0 or names a call that is still open`,
        notRun,
      );
    }
    const { maxOpenCalls } = this.#options;
    if (this.#open.size >= maxOpenCalls) {
      return new LoomError(
        "resource_exhausted",
        `${maxOpenCalls} calls are open on this session, the most allowed (maxOpenCalls); wait for one to end`,
        { retryable: true, details: { ...notRun.details, limit: "maxOpenCalls", value: String(maxOpenCalls) } },
      );
    }
    return undefined;
  }

  #finish(ref: number, callId: string, outcome: ToolOutcome): void {
    if (this.#open.take(ref) !== undefined) this.#respond(ref, callId, outcome);
  }

  #respond(ref: number, callId: string, outcome: ToolOutcome): void {
    this.#options.send({ kind: "tool-response", ref, callId, outcome });
  }
}

function notOpen(ref: number): LoomError {
  const problem = `ToolRequest.on_behalf_of ${ref} names no call to this agent that is open; call for yourself, or not at all`;
  return new LoomError("failed_precondition", problem, notRun);
}

/** On a stream, a call that is refused has no status of its own: the refusal is its result. */
function failure(error: unknown): ToolOutcome {
  if (!LoomError.isInstance(error)) {
    return {
      status: "error",
      code: "INTERNAL",
      message: "The bridge failed to make the call",
      details: { outcome: "UNKNOWN" },
    };
  }
  const { rawMessage: message, details } = error;
  if (error.code === "invalid_argument") {
    return { status: "invalid_arguments", code: "INVALID_ARGUMENTS", message, details };
  }
  return { status: "error", code: error.code.toUpperCase(), message, details };
}
