import type { LoomError } from "@loom-bridge/protocol";
import type { ToolInvocation, ToolOutcome, ToolProvider } from "./tool.ts";

/** Who waits for a call, as its provider sees it. Only the first that it is told counts. */
export interface ToolReply {
  settle(outcome: ToolOutcome): void;
  /** For what is a defect of the provider. */
  fail(error: unknown): void;
}

/** A call that a provider has begun. */
export interface StartedCall {
  /** The outcome no longer matters. */
  giveUp(reason: LoomError): void;
}

/** A provider without a promise and a signal for each call: they cost more than the rest of a short one. */
export interface ToolRunner extends Pick<ToolProvider, "kind" | "id" | "owner"> {
  start(invocation: ToolInvocation, reply: ToolReply): StartedCall;
}

export function toRunner(provider: ToolProvider | ToolRunner): ToolRunner {
  if ("start" in provider) return provider;
  const { kind, id, owner = "" } = provider;
  return { kind, id, owner, start: (invocation, reply) => start(provider, invocation, reply) };
}

function start(provider: ToolProvider, invocation: ToolInvocation, reply: ToolReply): StartedCall {
  const abort = new AbortController();
  Promise.resolve(provider.call(invocation, abort.signal)).then(
    (outcome) => reply.settle(outcome),
    // A provider that was told to stop may well reject.
    (error: unknown) => abort.signal.aborted || reply.fail(error),
  );
  return { giveUp: (reason) => abort.abort(reason) };
}
