import { hash } from "node:crypto";
import { LoomError, type Runtime } from "@loom-bridge/protocol";
import type { ToolOutcome } from "./tool.ts";
import type { ToolCallRequest } from "./tool-call.ts";

export interface CallMemoryOptions {
  readonly runtime: Runtime;
  /** How long an outcome is kept after the call ended, in milliseconds. */
  readonly keepMs: number;
  /** Outcomes kept; the oldest goes first. */
  readonly maxEntries: number;
  /** Their size in bytes, about; the oldest goes first. */
  readonly maxBytes: number;
}

/** Remembers named calls, so that repeating one does not run its tool again. `Open` is what is kept of an open call. */
export interface CallMemory<Open> {
  /**
   * Finds the call that the request repeats.
   * @throws LoomError `failed_precondition` when the id was used for another tool or other arguments.
   */
  find(request: ToolCallRequest): { readonly open: Open } | { readonly outcome: ToolOutcome } | undefined;
  /** Keeps a call that has begun. The function it returns keeps its outcome instead. */
  begin(request: ToolCallRequest, open: Open): (outcome: ToolOutcome) => void;
}

interface Kept {
  readonly fingerprint: string;
  readonly outcome: ToolOutcome;
  readonly bytes: number;
  readonly expiresMs: number;
}

export function createCallMemory<Open>(options: CallMemoryOptions): CallMemory<Open> {
  const { runtime, keepMs, maxEntries, maxBytes } = options;
  const open = new Map<string, { readonly fingerprint: string; readonly call: Open }>();
  /** In order of expiry, because all are kept equally long. */
  const kept = new Map<string, Kept>();
  let keptBytes = 0;

  const forgetOldest = (isDue: (oldest: Kept) => boolean): void => {
    for (const [key, oldest] of kept) {
      if (!isDue(oldest)) return;
      kept.delete(key);
      keptBytes -= oldest.bytes;
    }
  };

  return {
    find(request) {
      const nowMs = runtime.monotonic();
      forgetOldest(({ expiresMs }) => expiresMs <= nowMs);
      const key = keyOf(request);
      const found = open.get(key) ?? kept.get(key);
      if (found === undefined) return undefined;
      if (found.fingerprint !== fingerprintOf(request)) {
        throw new LoomError(
          "failed_precondition",
          `call id ${JSON.stringify(request.id)} was used for another tool or other arguments; give each call its own id`,
          { details: { field: "id" } },
        );
      }
      return "call" in found ? { open: found.call } : { outcome: found.outcome };
    },
    begin(request, call) {
      const key = keyOf(request);
      const fingerprint = fingerprintOf(request);
      open.set(key, { fingerprint, call });
      return (outcome) => {
        open.delete(key);
        const bytes = sizeOf(key, outcome);
        if (bytes > maxBytes) return;
        kept.set(key, { fingerprint, outcome, bytes, expiresMs: runtime.monotonic() + keepMs });
        keptBytes += bytes;
        forgetOldest(() => kept.size > maxEntries || keptBytes > maxBytes);
      };
    },
  };
}

/** Clients without a session are told apart by nothing, and two of them may well choose the same id. */
function keyOf(request: ToolCallRequest): string {
  const { caller, principal = "", id } = request;
  if (caller !== "" || principal !== "") return `${principal}\0${caller}\0${id}`;
  return `\0\0${id}\0${fingerprintOf(request)}`;
}

/** Headers, correlation id and timeout are not in it: a repeated call has less time left and a trace of its own. */
export function fingerprintOf(request: ToolCallRequest): string {
  return hash("sha256", `${request.name}\0${request.arguments}`, "base64");
}

const entryBytes = 256;

function sizeOf(key: string, outcome: ToolOutcome): number {
  const text = outcome.status === "ok" ? outcome.output : outcome.message + JSON.stringify(outcome.details ?? {});
  return entryBytes + key.length + Buffer.byteLength(text);
}
