import { LoomError, type Runtime, systemRuntime } from "@loom-bridge/protocol";
import { errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import { z } from "zod";
import type { Authenticator, ClientCertificate } from "../domain/access/authenticator.ts";
import type { Principal } from "../domain/access/principal.ts";
import { unauthenticated } from "../domain/access/refusals.ts";
import { bearerToken } from "./bearer-token.ts";
import { grantsSchema } from "./grants-init.ts";
import type { Policy } from "./policy.ts";
import { subjectSchema, tenantSchema } from "./principal-init.ts";
import { type VerifiedToken, VerifiedTokens } from "./verified-tokens.ts";

export interface JwtOptions {
  /** What `iss` must be. */
  readonly issuer: string;
  /** What `aud` must be or hold. */
  readonly audience: string;
  /** Finds the key that a token names. */
  readonly keys: JWTVerifyGetKey;
  /**
   * The claim with what a token grants: `{tenant, roles, grants}`. Default: `loom`. Whoever can have an issuer write it
   * decides over grants; empty where that is not only the operator.
   */
  readonly claim?: string;
  /** Default: that of this process. */
  readonly runtime?: Runtime;
}

export interface JwtAuthenticator extends Authenticator {
  /** Checks every token anew, after keys were changed. */
  forget(): void;
}

/** Signatures that only the issuer can make. With a shared secret, everybody who checks tokens could issue them. */
export const jwtAlgorithms: readonly string[] = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

/** Longer than any that is meant for a header. */
const maxTokenBytes = 8192;
/** How far the clocks of issuer and bridge may be apart. */
const clockToleranceSec = 5;

const claimSchema = z.strictObject({
  tenant: tenantSchema.optional(),
  roles: z.array(z.string()).max(64).optional(),
  grants: grantsSchema.optional(),
});

/** Knows whoever shows a JSON Web Token of one issuer, for this bridge: `authorization: Bearer …`. */
export function createJwtAuthenticator(policy: () => Policy, options: JwtOptions): JwtAuthenticator {
  const { issuer, audience, keys, claim = "loom", runtime = systemRuntime } = options;
  const verified = new VerifiedTokens(runtime);

  const keyOf: JWTVerifyGetKey = (header, token) => {
    // Without it, every key would be tried, and old ones could not be told from new ones.
    if (typeof header.kid !== "string" || header.kid === "") throw new errors.JWTInvalid("it names no key (kid)");
    return keys(header, token);
  };

  function toPrincipal({ payload, keyId }: VerifiedToken, certificate: ClientCertificate | undefined): Principal {
    const claimed = claim === "" ? {} : claimSchema.parse(payload[claim] ?? {});
    const expiresMs = ((payload.exp ?? 0) + clockToleranceSec) * 1000;
    const subject = subjectSchema.parse(payload.sub);
    checkBinding(payload["cnf"], certificate);
    const { tenant = "" } = claimed;
    policy().refuseRevoked({
      subject,
      tenant,
      tokenId: payload.jti,
      tokenKey: keyId,
      certificate: certificate?.fingerprint,
    });
    return policy().principalOf(subject, { ...claimed, expiresMs });
  }

  async function verify(token: string): Promise<VerifiedToken> {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keyOf, {
        issuer,
        audience,
        algorithms: [...jwtAlgorithms],
        clockTolerance: clockToleranceSec,
        requiredClaims: ["sub", "exp"],
      });
      const good = { payload, keyId: protectedHeader.kid ?? "" };
      verified.add(token, good);
      return good;
    } catch (cause) {
      throw problemOf(cause);
    }
  }

  return {
    forget: () => verified.clear(),
    async authenticate(presented) {
      const token = bearerToken(presented);
      if (token === undefined) return undefined;
      if (token.length > maxTokenBytes) throw unauthenticated("invalid");
      const good = verified.get(token) ?? (await verify(token));
      try {
        return toPrincipal(good, presented.certificate);
      } catch (cause) {
        if (LoomError.isInstance(cause) && cause.code === "unauthenticated") throw cause;
        throw unauthenticated("invalid", false, cause);
      }
    },
  };
}

const bindingSchema = z.strictObject({ "x5t#S256": z.string() });

/**
 * A token that is bound to a certificate counts only with it, so that whoever finds the token has nothing. One that is
 * bound to something else cannot be checked here. https://www.rfc-editor.org/rfc/rfc8705#section-3
 */
function checkBinding(confirmation: unknown, certificate: ClientCertificate | undefined): void {
  if (confirmation === undefined) return;
  const { "x5t#S256": expected } = bindingSchema.parse(confirmation);
  const shown = certificate && Buffer.from(certificate.fingerprint, "hex").toString("base64url");
  if (shown !== expected) throw unauthenticated("unbound");
}

function problemOf(cause: unknown): LoomError {
  if (cause instanceof errors.JWTExpired) return unauthenticated("expired", false, cause);
  if (
    cause instanceof errors.JWKSTimeout ||
    !(cause instanceof errors.JOSEError) ||
    cause.code === "ERR_JOSE_GENERIC"
  ) {
    return new LoomError("unavailable", "the keys that tokens are checked with cannot be had now; try again", {
      cause,
    });
  }
  return unauthenticated("invalid", false, cause);
}
