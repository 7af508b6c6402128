/** What a tool knows of the call it serves. */
export interface ToolContext {
  /** The agent that provides the tool. */
  readonly agentId: string;
  readonly callId: string;
  /** The agent that calls; empty for a client without a session. */
  readonly caller: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly correlationId: string;
  /** Aborts when the caller gives up, its time is over, or the stream ends. The result no longer matters then. */
  readonly signal: AbortSignal;
  /** What is left of the call's time now, in milliseconds; never below 0. */
  remainingMs(): number;
}
