import type { AuthConfig } from "./auth-settings.ts";
import type { Config } from "./config-schema.ts";

/** What the settings of authentication need of each other; nothing where they fit. */
export function checkAuthSettings(
  config: Config,
  isGiven: (key: keyof AuthConfig) => boolean,
): { readonly field: keyof Config; readonly message: string } | undefined {
  const kinds = config["auth.kinds"];
  const needs: readonly (readonly [kind: (typeof kinds)[number], field: keyof Config, flag: string])[] = [
    ["keys", "auth.policy", '--auth-policy, a file with keys; "loom-bridge token key" makes one'],
    ["jwt", "auth.jwt.issuer", "--auth-jwt-issuer"],
    ["jwt", "auth.jwt.audience", "--auth-jwt-audience"],
    ["jwt", "auth.jwt.jwks", "--auth-jwt-jwks, the issuer's keys"],
    ["mtls", "tls.clientCa", '--tls-client-ca, which signs the certificates of clients; "loom-bridge cert" makes one'],
  ];
  for (const [kind, field, remedy] of needs) {
    if (kinds.includes(kind) && config[field] === undefined)
      return { field, message: `--auth ${kind} needs ${remedy}` };
  }
  for (const key of ["auth.jwt.issuer", "auth.jwt.audience", "auth.jwt.jwks"] as const) {
    if (isGiven(key) && !kinds.includes("jwt")) return unused(key, "--auth jwt");
  }
  return undefined;
}

function unused(field: keyof AuthConfig, remedy: string): { readonly field: keyof Config; readonly message: string } {
  return { field, message: `${field} is given, but nobody is asked who they are; add ${remedy}` };
}
