import type { ConnectError } from "@connectrpc/connect";

/** What is to become of one message. */
export interface Verdict {
  /** In the words of the timeline. */
  readonly outcome: string;
  /** How often it is delivered: 0 drops it. */
  readonly copies: number;
  /** How much later it arrives; what is sent after it does not wait. */
  readonly delayMs: number;
  /** It arrives after the next one. */
  readonly isOvertaken: boolean;
  /** What arrives in its place. */
  readonly bytes: Uint8Array | undefined;
  /** The connection breaks, before it arrives or right after. */
  readonly cut: "before" | "after" | undefined;
  /** It does not arrive, and its call ends with this. */
  readonly error: ConnectError | undefined;
}

/** A message that is left alone, to change one thing of. */
export const untouched: Verdict = {
  outcome: "",
  copies: 1,
  delayMs: 0,
  isOvertaken: false,
  bytes: undefined,
  cut: undefined,
  error: undefined,
};
