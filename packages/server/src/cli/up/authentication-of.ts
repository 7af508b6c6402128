import { LoomError } from "@loom-bridge/protocol";
import type { AuthenticationOptions } from "../../auth/configured-authenticator.ts";
import type { Config } from "../../config/config-schema.ts";

/**
 * How clients prove who they are, as the configuration says it. Undefined: nobody is asked.
 * @throws LoomError `invalid_argument` when it has rules and asks nobody.
 */
export function authenticationOf(config: Config): AuthenticationOptions | undefined {
  const kinds = config["auth.kinds"];
  const { "auth.jwt.issuer": issuer, "auth.jwt.audience": audience, "auth.jwt.jwks": jwks } = config;
  if (kinds.length === 0 && config["auth.policy"] !== undefined) {
    const problem = "auth.policy is given, but nobody is asked who they are; add --auth keys, jwt or mtls";
    throw new LoomError("invalid_argument", problem, { details: { field: "auth.kinds" } });
  }
  if (kinds.length === 0) return undefined;
  const isWhole = kinds.includes("jwt") && issuer !== undefined && audience !== undefined && jwks !== undefined;
  return {
    kinds,
    policyPath: config["auth.policy"],
    jwt: isWhole ? { issuer, audience, jwks, claim: config["auth.jwt.claim"] } : undefined,
    certificateName: config["auth.mtls.name"],
  };
}
