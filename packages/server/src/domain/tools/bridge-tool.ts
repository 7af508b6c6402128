import type { ToolDescriptor, ToolInvocation, ToolOutcome, ToolProvider } from "./tool.ts";
import { ToolFailure, type ToolFailureReason } from "./tool-failure.ts";
import { toolFailures } from "./tool-outcome.ts";

/** What JSON can say. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** What a bridge's tool knows of its call. */
export interface BridgeToolContext {
  /** Aborts when the caller gives up or its time is over; the result no longer matters then. */
  readonly signal: AbortSignal;
  /** The agent that calls; empty for a client without a session. */
  readonly caller: string;
  /** The agents for which the call is made: the one that began it first, and the caller last. */
  readonly callers: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly correlationId: string;
  /** What is left of the caller's time, in milliseconds. */
  readonly timeoutMs: number;
}

/** A tool that the bridge itself runs. */
export interface BridgeTool {
  readonly descriptor: ToolDescriptor;
  /** The arguments fit the descriptor's schema. Throws ToolFailure to tell the caller why there is no result. */
  run(args: Readonly<Record<string, unknown>>, context: BridgeToolContext): Promise<JsonValue>;
}

/** Runs tools in this process. */
export function createBridgeToolProvider(tools: readonly BridgeTool[]): ToolProvider {
  const byName = new Map(tools.map((tool) => [tool.descriptor.name, tool]));
  return {
    kind: "bridge",
    id: "bridge",
    async call(invocation, signal) {
      const tool = byName.get(invocation.name);
      if (tool === undefined) return toolFailures.notFound(invocation.name);
      try {
        const args = JSON.parse(invocation.arguments) as Record<string, unknown>;
        const output: string | undefined = JSON.stringify(await tool.run(args, contextOf(invocation, signal)));
        return output === undefined ? toolFailures.invalidResult("it is not JSON") : { status: "ok", output };
      } catch (error) {
        if (error instanceof ToolFailure) return outcomeOf(error);
        throw error;
      }
    },
  };
}

function contextOf(invocation: ToolInvocation, signal: AbortSignal): BridgeToolContext {
  const { caller, authority = [], headers, correlationId, timeoutMs } = invocation;
  const callers = authority.map(({ agentId = "" }) => agentId);
  return { signal, caller, callers, headers, correlationId, timeoutMs };
}

const failurePrefix: Record<Exclude<ToolFailureReason, "INVALID_ARGUMENTS">, string> = {
  EXECUTION_ERROR: "Execution failed",
  PERMISSION_DENIED: "Permission denied",
};

function outcomeOf({ code, message, details }: ToolFailure): ToolOutcome {
  if (code === "INVALID_ARGUMENTS") return { ...toolFailures.invalidArguments({ problem: message }), details };
  return { status: "error", code, message: `${failurePrefix[code]}: ${message}`, details };
}
