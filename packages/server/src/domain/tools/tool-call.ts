import { LoomError, limits } from "@loom-bridge/protocol";
import type { Access } from "../access/access.ts";
import { atMost } from "../at-most.ts";
import type { Chain } from "../chain.ts";
import type { ToolOutcome } from "./tool.ts";
import { checkPairs } from "./tool-rules.ts";

/** A call as its caller makes it. */
export interface ToolCallRequest {
  /** Names the call for its caller: repeating it within two minutes does not run the tool again. Empty: no name. */
  readonly id: string;
  readonly name: string;
  /** JSON text of an object. Empty: `{}`. */
  readonly arguments: string;
  /** 0: 30 s. More than 600 000 is taken as that. */
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly correlationId: string;
  /** Names what the call is to bring about, for all callers with the same credentials. Default: empty, no name. */
  readonly idempotencyKey?: string;
  /** The hash of the tool that the caller has looked at. Default: empty, any. */
  readonly toolHash?: string;
  /** What led to the call. Its time caps that of the call. */
  readonly chain?: Chain | undefined;
  /** The agent that calls; empty for a client without a session. */
  readonly caller: string;
  /** Whose credentials the call was made with: ids and keys name nothing for anybody else. Default: empty, nobody's. */
  readonly principal?: string;
  /** For whom it is made: who began it first, and the caller last. Default: nobody was asked. */
  readonly authority?: readonly Access[];
}

export interface ToolCallResult {
  /** The request's id, or one that was chosen. */
  readonly id: string;
  readonly outcome: ToolOutcome;
}

/** Control characters, and those that break or reorder text, would let an id lie in a log. */
const unsafePattern = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/** Returns the time that a call has, in milliseconds. @throws LoomError `invalid_argument` that names the field. */
export function checkToolCall(request: ToolCallRequest, maxTimeoutMs: number = limits.toolTimeoutMaxMs): number {
  const { id, correlationId, idempotencyKey = "", headers, timeoutMs, chain } = request;
  checkId("id", id);
  checkId("correlation_id", correlationId);
  checkId("idempotency_key", idempotencyKey);
  checkPairs("headers", headers);
  if (!(timeoutMs >= 0)) {
    throw invalid("timeout_ms", `timeout_ms is ${timeoutMs}; use 0 for ${limits.toolTimeoutDefaultMs} ms, or more`);
  }
  const wanted = Math.min(timeoutMs || limits.toolTimeoutDefaultMs, maxTimeoutMs);
  const remainingMs = chain?.remainingMs ?? 0;
  return remainingMs > 0 ? Math.min(wanted, remainingMs) : wanted;
}

function checkId(field: string, id: string): void {
  if (id === "") return;
  atMost(limits, { field, unit: "bytes", count: Buffer.byteLength(id), limit: "idBytes" });
  if (unsafePattern.test(id)) throw invalid(field, `${field} ${JSON.stringify(id)} has a control character`);
}

function invalid(field: string, message: string): LoomError {
  return new LoomError("invalid_argument", message, { details: { field } });
}
