/** How a call of a fake tool stands. `late`: answered after its time was over. */
export type FakeCallState = "running" | "replied" | "failed" | "cancelled" | "late";

/** One call that a fake tool got. */
export interface FakeCall<Args = unknown> {
  readonly id: string;
  readonly args: Args;
  /** The agent that called; empty for a client without a session. */
  readonly caller: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly correlationId: string;
  /** Empty when the caller gave none. */
  readonly idempotencyKey: string;
  /** When it came and when its time is over, in milliseconds since the test bridge was made. */
  readonly atMs: number;
  readonly deadlineMs: number;
  /** Aborts when the caller gives up or its time is over. */
  readonly signal: AbortSignal;
  readonly state: FakeCallState;
}
