import { LoomError } from "@loom-bridge/protocol";
import type { ToolRequest } from "@loom-bridge/protocol/messages";
import { type EventChain, fromChain } from "../events/event-chain.ts";
import type { LazyAbort } from "./lazy-abort.ts";
import type { ToolContext } from "./tool-context.ts";

/** A call that an agent serves. */
export interface ServedCall {
  readonly request: ToolRequest;
  readonly abort: LazyAbort;
  /** Whether it is not answered yet. */
  readonly isOpen: boolean;
  readonly remainingMs: number;
}

/** What is dear to make is made when it is asked for; it may be taken apart. */
class ServedContext implements ToolContext {
  readonly agentId: string;
  readonly callId: string;
  readonly caller: string;
  readonly callers: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly correlationId: string;
  readonly idempotencyKey: string;
  readonly chain: EventChain | undefined;
  readonly #served: ServedCall;

  constructor(agentId: string, served: ServedCall) {
    const { call, caller, callers } = served.request;
    this.agentId = agentId;
    this.callId = call?.id ?? "";
    this.caller = caller;
    this.callers = callers;
    this.headers = call?.headers ?? {};
    this.correlationId = call?.correlationId ?? "";
    this.idempotencyKey = call?.idempotencyKey ?? "";
    this.chain = call?.chain === undefined ? undefined : fromChain(call.chain);
    this.#served = served;
  }

  get signal(): AbortSignal {
    return this.#served.abort.signal;
  }

  get remainingMs(): ToolContext["remainingMs"] {
    return () => this.#served.remainingMs;
  }

  static refOf(context: ToolContext): number | undefined {
    if (!(context instanceof ServedContext)) return undefined;
    const { request, isOpen } = context.#served;
    return isOpen ? request.ref : undefined;
  }
}

export function createToolContext(agentId: string, served: ServedCall): ToolContext {
  return new ServedContext(agentId, served);
}

/** The ref of the call that a tool's context is of; undefined when it is over, or was never the bridge's. */
export function servedRef(context: ToolContext): number | undefined {
  return ServedContext.refOf(context);
}

/** Why a tool is not called on behalf of a call. */
export function servedIsOver(tool: string): LoomError {
  const problem = `the call on whose behalf tool ${JSON.stringify(tool)} was to be called is over, or is none that this agent serves; nothing was sent`;
  return new LoomError("failed_precondition", problem, { details: { outcome: "NOT_SENT" } });
}
