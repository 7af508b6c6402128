import type { EventChain } from "../events/event-chain.ts";

/** What a tool knows of the call it serves. */
export interface ToolContext {
  /** The agent that provides the tool. */
  readonly agentId: string;
  readonly callId: string;
  /** The agent that calls; empty for a client without a session. */
  readonly caller: string;
  /** The agents for which the call is made: the one that began it first, and the caller last. The bridge vouches for them. */
  readonly callers: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly correlationId: string;
  /** Same key, same thing to bring about: empty when the caller gave none. */
  readonly idempotencyKey: string;
  /** The chain that led to the call, to pass on to what the tool publishes or calls. */
  readonly chain: EventChain | undefined;
  /** Aborts when the caller gives up, its time is over, or the stream ends. The result no longer matters then. */
  readonly signal: AbortSignal;
  /** What is left of the call's time now, in milliseconds; never below 0. */
  remainingMs(): number;
}
