import type { Runtime } from "@loom-bridge/protocol";
import type { JWTPayload } from "jose";

/** A token whose signature is good. */
export interface VerifiedToken {
  readonly payload: JWTPayload;
  /** The `kid` of the key that it is signed with. */
  readonly keyId: string;
}

/** How long a signature need not be checked again, in milliseconds. A key that is taken away counts until then. */
const keepMs = 60_000;
/** Tokens that are remembered; the one that was checked longest ago is forgotten. */
const maxTokens = 1000;

/**
 * Tokens whose signatures were checked a short while ago: checking one takes as long as a small call itself. Who holds
 * many of them is who makes many calls, not who makes up tokens, since only good ones are kept.
 */
export class VerifiedTokens {
  readonly #runtime: Runtime;
  readonly #tokens = new Map<string, VerifiedToken & { readonly untilMs: number }>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** What a token says, if it was checked lately and has not expired. */
  get(token: string): VerifiedToken | undefined {
    const found = this.#tokens.get(token);
    return found !== undefined && this.#runtime.now() < found.untilMs ? found : undefined;
  }

  add(token: string, verified: VerifiedToken): void {
    const untilMs = Math.min(this.#runtime.now() + keepMs, (verified.payload.exp ?? 0) * 1000);
    this.#tokens.delete(token);
    this.#tokens.set(token, { ...verified, untilMs });
    if (this.#tokens.size > maxTokens) this.#tokens.delete(this.#tokens.keys().next().value as string);
  }

  clear(): void {
    this.#tokens.clear();
  }
}
