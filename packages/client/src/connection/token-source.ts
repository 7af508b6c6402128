import { LoomError, type Runtime } from "@loom-bridge/protocol";

/**
 * A token or an API key, or a function that gets one. The function is asked once and again when the bridge refuses what
 * it gave or, if that is a JSON Web Token, shortly before it expires.
 */
export type Token = string | (() => string | Promise<string>);

/** A token is not used any more this long before its end: it has to arrive. */
const marginMs = 10_000;

/** The token that calls are made with now. */
export class TokenSource {
  readonly #token: Token;
  readonly #runtime: Runtime;
  #current: Promise<string> | undefined;
  #expiresMs = Number.POSITIVE_INFINITY;

  /** @throws LoomError `invalid_argument` when a given token cannot be sent. */
  constructor(token: Token, runtime: Runtime) {
    this.#token = token;
    this.#runtime = runtime;
    if (typeof token === "string") checkToken(token);
  }

  /** Whether there may be another token than the one that was refused. */
  get canRenew(): boolean {
    return typeof this.#token === "function";
  }

  /** @throws LoomError `unavailable` when the function fails, `invalid_argument` when what it gives cannot be sent. */
  get(): Promise<string> {
    if (typeof this.#token === "string") return Promise.resolve(this.#token);
    if (this.#current !== undefined && this.#runtime.now() < this.#expiresMs - marginMs) return this.#current;
    const asked = this.#ask(this.#token);
    this.#current = asked;
    this.#expiresMs = Number.POSITIVE_INFINITY;
    asked.catch(() => this.#forget(asked));
    return asked;
  }

  /** The bridge refused the token: the next call asks for another. */
  renew(): void {
    this.#current = undefined;
  }

  async #ask(get: () => string | Promise<string>): Promise<string> {
    let token: string;
    try {
      token = await get();
    } catch (cause) {
      throw new LoomError("unavailable", "the function that gets the token failed", { cause });
    }
    checkToken(token);
    this.#expiresMs = expiryOf(token) ?? Number.POSITIVE_INFINITY;
    return token;
  }

  #forget(asked: Promise<string>): void {
    if (this.#current === asked) this.#current = undefined;
  }
}

function checkToken(token: string): void {
  if (/^[A-Za-z0-9._~+/=-]+$/.test(token)) return;
  // Not shown: it is a secret.
  const problem = token === "" ? "is empty" : "has characters that no bearer token has";
  throw new LoomError("invalid_argument", `token ${problem}`, { details: { field: "token" } });
}

/** When a JSON Web Token ends, in milliseconds. Not verified: the bridge does that. Undefined for other tokens. */
function expiryOf(token: string): number | undefined {
  const payload = token.split(".")[1];
  if (payload === undefined) return undefined;
  try {
    const { exp } = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as { readonly exp?: unknown };
    return typeof exp === "number" ? exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}
