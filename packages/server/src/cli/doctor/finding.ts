import type { Runtime } from "@loom-bridge/protocol";
import type { Credentials, RemoteBridge } from "../remote/remote-bridge.ts";
import type { Target } from "../remote/target.ts";

/** What one step of the diagnosis found. */
export interface Finding {
  readonly status: "ok" | "failed" | "skipped";
  /** What was seen. */
  readonly message: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** What the steps work with. */
export interface Patient {
  readonly target: Target;
  readonly credentials: Credentials;
  readonly remote: RemoteBridge;
  readonly runtime: Runtime;
  /** How long one step may take. */
  readonly timeoutMs: number;
  /** A tool that should be there. */
  readonly tool: string | undefined;
}

export function ok(message: string): Finding {
  return { status: "ok", message };
}

export function failed(message: string, advice: string): Finding {
  return { status: "failed", message, advice };
}

export function skipped(message: string): Finding {
  return { status: "skipped", message };
}
