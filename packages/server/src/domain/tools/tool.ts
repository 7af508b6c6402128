import type { Access } from "../access/access.ts";
import type { Chain } from "../chain.ts";

/**
 * What running a tool twice means: nothing, as it changes nothing; as much as once, if both have the same idempotency
 * key; or twice as much.
 */
export type ToolEffect = "read" | "idempotent" | "once";

/** What a tool looks like to its callers. */
export interface ToolDescriptor {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments, as JSON text. Empty: any object. */
  readonly parametersSchema: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Default: "once", with which nothing is ever run again. */
  readonly effect?: ToolEffect;
}

/** One call, as its provider gets it. */
export interface ToolInvocation {
  readonly id: string;
  readonly name: string;
  /** JSON text that fits the tool's schema. */
  readonly arguments: string;
  /** What is left of the caller's time. */
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly correlationId: string;
  /** Empty: none, which is the default. */
  readonly idempotencyKey?: string;
  /** With this call in it. */
  readonly chain?: Chain | undefined;
  /** The agent that calls; empty for a client without a session. */
  readonly caller: string;
  /** For whom it is made: who began it first, and the caller last. Default: nobody was asked. */
  readonly authority?: readonly Access[];
}

/** Machine-readable reasons why a call has no output. */
export type ToolFailureCode =
  | "NOT_FOUND"
  | "INVALID_ARGUMENTS"
  | "TIMEOUT"
  | "EXECUTION_ERROR"
  | "PERMISSION_DENIED"
  | "CANCELLED"
  | "PROVIDER_LOST"
  | "RESULT_TOO_LARGE"
  | "INVALID_RESULT";

/** The one end of a call. `output` is JSON text. */
export type ToolOutcome =
  | { readonly status: "ok"; readonly output: string }
  | {
      readonly status: "error" | "timeout" | "not_found" | "invalid_arguments";
      readonly code: ToolFailureCode | (string & {});
      readonly message: string;
      readonly details?: Readonly<Record<string, string>>;
    };

/** Who runs tools: the bridge itself, or the session of an agent. */
export interface ToolProvider {
  readonly kind: "bridge" | "agent";
  /** "bridge", or the agent's id. */
  readonly id: string;
  /** Who answers for it: only agents of one owner share a tool. Default: empty, nobody was asked. */
  readonly owner?: string;
  /**
   * Runs a tool. `signal` aborts when the caller gives up or its time is over; the outcome no longer matters then.
   * Settles with an outcome; a rejection is a defect of the provider.
   */
  call(invocation: ToolInvocation, signal: AbortSignal): Promise<ToolOutcome>;
}
