import { LoomError } from "@loom-bridge/protocol";
import type { Execution } from "./memory-store.ts";

/** A plan in the hands of one executor, until its lease ends. */
export interface ExecutionClaim {
  readonly planHash: string;
  /** Who has it. */
  readonly holder: string;
  /** Greater than that of every earlier claim in the session. */
  readonly fencingToken: number;
  /** When the lease ends, in milliseconds since the Unix epoch: at this time it has ended. */
  readonly expiresMs: number;
}

/** A wish to execute a plan. */
export interface ClaimRequest {
  readonly planHash: string;
  readonly holder: string;
  readonly leaseMs: number;
  /** The time now, in milliseconds since the Unix epoch. A whole number. */
  readonly nowMs: number;
}

/** What an executor shows when it marks a plan executed. */
export interface Fence {
  /** 0: it has no claim. */
  readonly fencingToken: number;
  /** The time now, in milliseconds since the Unix epoch. */
  readonly nowMs: number;
}

/** Shows no token, and takes every claim for a live one. */
export const noFence: Fence = { fencingToken: 0, nowMs: 0 };

export type ClaimOutcome =
  /** The plan is the holder's, by a new claim or by its own that was prolonged. */
  | { readonly status: "claimed"; readonly claim: ExecutionClaim }
  /** Somebody else has it. */
  | { readonly status: "held"; readonly claim: ExecutionClaim }
  /** There is nothing to claim. */
  | { readonly status: "executed"; readonly execution: Execution };

export function isLive(claim: ExecutionClaim, nowMs: number): boolean {
  return nowMs < claim.expiresMs;
}

/**
 * The token of a session's next claim. Besides growing, it is no less than the time: so tokens of a store that forgets
 * everything at its end do not come again either, unless the clock went back.
 */
export function nextFencingToken(lastToken: number, nowMs: number): number {
  return Math.max(lastToken + 1, nowMs);
}

/**
 * Lets an executor through that may act on a plan: the one of the latest claim, or anybody while nobody has it.
 * @throws LoomError `failed_precondition` that names the field and the holder.
 */
export function checkFence(claim: ExecutionClaim | undefined, planHash: string, { fencingToken, nowMs }: Fence): void {
  if (fencingToken === (claim?.fencingToken ?? 0)) return;
  const held = claim !== undefined && isLive(claim, nowMs) ? claim.holder : undefined;
  if (fencingToken === 0 && held === undefined) return;
  const plan = `plan ${JSON.stringify(planHash)}`;
  throw new LoomError(
    "failed_precondition",
    fencingToken === 0
      ? `${plan} is claimed by ${JSON.stringify(held)}; claim it before you execute it`
      : `fencing_token ${fencingToken} is not that of the latest claim of ${plan}; another executor may have it, so do not act on it`,
    {
      details: {
        field: "fencing_token",
        value: String(fencingToken),
        ...(held === undefined ? {} : { held_by: held }),
      },
    },
  );
}

/** The refusal of a claim when all that a session can have are live. */
export function tooManyClaims(limit: number): LoomError {
  return new LoomError(
    "resource_exhausted",
    `the session has ${limit} claims whose leases have not ended, and its limit "claimsPerSession" is ${limit}; release some, or raise the limit`,
    { retryable: true, details: { limit: "claimsPerSession", value: String(limit) } },
  );
}
