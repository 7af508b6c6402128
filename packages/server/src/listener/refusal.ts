import { ConnectError } from "@connectrpc/connect";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import { type ErrorCode, LoomError } from "@loom-bridge/protocol";
import type { Breaches } from "../domain/breaches.ts";
import { messageLimits } from "../wire/message-limits.ts";

/** A limit of the listener that a peer met. */
export interface Refusal {
  readonly code: ErrorCode;
  /** The name of the limit, as in the configuration. */
  readonly limit: string;
  /** Where it stands. */
  readonly value: number;
  readonly message: string;
  /** Whether the same may work later. */
  readonly retryable?: boolean;
}

/** What is said of a message that parsing would make too much of. */
export const manyElements: Refusal = {
  code: "resource_exhausted",
  limit: "messageElements",
  value: messageLimits.elements,
  message: `a message has more than ${messageLimits.elements} fields and entries; send less at once`,
};

/** Counts a limit that was met, and makes the error that its peer gets. */
export type Refuse = (refusal: Refusal | LoomError) => ConnectError;

export function createRefuse(breaches: Breaches, toConnectError: (error: LoomError) => ConnectError): Refuse {
  return (refusal) => {
    const error = LoomError.isInstance(refusal) ? refusal : asError(refusal);
    breaches.countError(error);
    return toConnectError(error);
  };
}

function asError({ code, limit, value, message, retryable = false }: Refusal): LoomError {
  return new LoomError(code, message, { retryable, details: { limit, value: String(value) } });
}

/** An error without its details. */
export function plainError({ code, rawMessage }: LoomError): ConnectError {
  return new ConnectError(rawMessage, codeFromString(code));
}
