import {
  type CallResultLimits,
  type CallResultStore,
  defaultCallResultLimits,
} from "../../domain/tools/call-result-store.ts";
import type { ToolOutcome } from "../../domain/tools/tool.ts";
import { isUnknown } from "../../domain/tools/tool-outcome.ts";
import { callResultBytes } from "./call-result-bytes.ts";
import { callResultsClosed } from "./call-results-closed.ts";

interface Kept {
  readonly fingerprint: string;
  readonly outcome: ToolOutcome | undefined;
  readonly bytes: number;
  readonly expiresMs: number;
}

/** Keeps the results of calls in the memory of this process. They are gone with it. */
export function createInMemoryCallResults(given: Partial<CallResultLimits> = {}): CallResultStore {
  const limits = { ...defaultCallResultLimits, ...given };
  /** The one that is forgotten first stands first, as long as the clock does not go back. */
  const calls = new Map<string, Kept>();
  let bytes = 0;
  let closed = false;

  const requireOpen = (): void => {
    if (closed) throw callResultsClosed();
  };
  const remove = (key: string): void => {
    bytes -= calls.get(key)?.bytes ?? 0;
    calls.delete(key);
  };
  const put = (key: string, fingerprint: string, outcome: ToolOutcome | undefined, nowMs: number): void => {
    remove(key);
    const size = callResultBytes(key, outcome);
    calls.set(key, { fingerprint, outcome, bytes: size, expiresMs: nowMs + limits.keepMs });
    bytes += size;
    for (const [oldest, { expiresMs }] of calls) {
      if (expiresMs > nowMs && calls.size <= limits.keys && bytes <= limits.bytes) return;
      remove(oldest);
    }
  };

  return {
    async begin({ key, fingerprint, mayRepeat }, nowMs) {
      requireOpen();
      const earlier = calls.get(key);
      if (earlier !== undefined && earlier.expiresMs > nowMs) {
        const isKnown = earlier.outcome !== undefined && !isUnknown(earlier.outcome);
        if (isKnown || !mayRepeat || earlier.fingerprint !== fingerprint) {
          return { fingerprint: earlier.fingerprint, outcome: earlier.outcome };
        }
      }
      put(key, fingerprint, undefined, nowMs);
      return undefined;
    },
    async end(key, outcome, nowMs) {
      requireOpen();
      const begun = calls.get(key);
      if (begun !== undefined) put(key, begun.fingerprint, outcome, nowMs);
    },
    async forget(key) {
      requireOpen();
      remove(key);
    },
    async close() {
      closed = true;
      calls.clear();
    },
  };
}
