import type { ExecutionClaim } from "../../domain/memory/execution-claim.ts";

/** The claims of one session, live and ended. */
export class SessionClaims {
  readonly #claims = new Map<string, ExecutionClaim>();
  #lastToken = 0;

  get size(): number {
    return this.#claims.size;
  }

  /** The greatest token that the session ever had; 0 when it had none. */
  get lastToken(): number {
    return this.#lastToken;
  }

  get(planHash: string): ExecutionClaim | undefined {
    return this.#claims.get(planHash);
  }

  set(claim: ExecutionClaim): void {
    this.#claims.set(claim.planHash, claim);
    this.#lastToken = Math.max(this.#lastToken, claim.fencingToken);
  }

  delete(planHash: string): void {
    this.#claims.delete(planHash);
  }

  /** Of the claims whose leases have ended, the one whose lease ended first; of several, the one with the least token. */
  endedFirst(nowMs: number): ExecutionClaim | undefined {
    let first: ExecutionClaim | undefined;
    for (const claim of this.#claims.values()) {
      if (claim.expiresMs > nowMs) continue;
      if (first === undefined || order(claim, first) < 0) first = claim;
    }
    return first;
  }
}

function order(left: ExecutionClaim, right: ExecutionClaim): number {
  return left.expiresMs - right.expiresMs || left.fencingToken - right.fencingToken;
}
