import { LoomError } from "@loom-bridge/protocol";
import type { ToolContext } from "./tool-context.ts";

/** How the bridge knows the calls that tools serve, by the contexts that their functions have. */
const refs = new WeakMap<ToolContext, () => number | undefined>();

/** `refOf` gives the ref of the served call as long as that is open. */
export function noteServed(context: ToolContext, refOf: () => number | undefined): void {
  refs.set(context, refOf);
}

/** The ref of the call that a tool's context is of; undefined when it is over, or was never the bridge's. */
export function servedRef(context: ToolContext): number | undefined {
  return refs.get(context)?.();
}

/** Why a tool is not called on behalf of a call. */
export function servedIsOver(tool: string): LoomError {
  const problem = `the call on whose behalf tool ${JSON.stringify(tool)} was to be called is over, or is none that this agent serves; nothing was sent`;
  return new LoomError("failed_precondition", problem, { details: { outcome: "NOT_SENT" } });
}
