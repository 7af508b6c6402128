import { LoomError } from "@loom-bridge/protocol";
import type { Drop } from "../bus/publish-outcome.ts";
import type { ToolInvocation, ToolOutcome } from "../tools/tool.ts";
import type { SessionLimits } from "./session-settings.ts";

/** What became of `count` publishes in a row, starting with `ref`. */
export interface Receipt {
  readonly ref: number;
  count: number;
  readonly matched: number;
  readonly queued: number;
  readonly dropped: number;
  readonly drops: readonly Drop[];
  readonly duplicate: boolean;
  /** The last one's place in the log. */
  offset: number;
  readonly error: LoomError | undefined;
}

/** What a session says to its agent besides events. */
export type ControlFrame =
  | { readonly kind: "receipts"; readonly receipts: readonly Receipt[] }
  | { readonly kind: "tool-request"; readonly ref: number; readonly invocation: ToolInvocation }
  | { readonly kind: "tool-response"; readonly ref: number; readonly callId: string; readonly outcome: ToolOutcome }
  | { readonly kind: "tool-cancel"; readonly ref: number; readonly reason: string }
  | {
      readonly kind: "subscription-ack";
      readonly id: number;
      readonly active: boolean;
      readonly problem: string;
      readonly groupMembers: number;
      readonly logOffset: number;
    }
  | { readonly kind: "heartbeat-ack"; readonly timestampMs: number }
  | { readonly kind: "drain"; readonly reason: string; readonly graceMs: number };

/** What a frame counts for in a queue, in bytes, about. */
export function frameSize(frame: ControlFrame): number {
  switch (frame.kind) {
    case "tool-request":
      return frame.invocation.arguments.length + 256;
    case "tool-response":
      return (frame.outcome.status === "ok" ? frame.outcome.output.length : frame.outcome.message.length) + 256;
    default:
      return 256;
  }
}

/** Whether somebody waits for just this frame. A drain is to be heard of together with what its connection says of it. */
export function isUrgent({ kind }: ControlFrame): boolean {
  return kind !== "drain";
}

/** What ends the session of an agent for which so many frames wait that one more has no room. */
export function doesNotRead(
  waiting: number,
  limits: Pick<SessionLimits, "maxControlFrames" | "maxControlBytes">,
): LoomError {
  const limit = waiting >= limits.maxControlFrames ? "maxControlFrames" : "maxControlBytes";
  const problem = `the agent does not read its stream: ${waiting} frames wait for it (${limit}); read faster`;
  return new LoomError("resource_exhausted", problem, { details: { limit, value: String(limits[limit]) } });
}
