import { z } from "zod";
import { about } from "./about.ts";
import { path } from "./setting-types.ts";

/** Who is let in, and what for, under the keys of the configuration file. */
export interface AuthConfig {
  readonly "auth.kinds": readonly ("keys" | "jwt" | "mtls")[];
  readonly "auth.policy"?: string | undefined;
  readonly "auth.jwt.issuer"?: string | undefined;
  readonly "auth.jwt.audience"?: string | undefined;
  readonly "auth.jwt.jwks"?: string | undefined;
  readonly "auth.jwt.claim": string;
  readonly "auth.mtls.name": "uri" | "dns" | "cn";
  readonly "auth.maxTenants": number;
  readonly insecure: boolean;
}

/** The schemas of {@link AuthConfig}. */
export const authSettings: { readonly [Key in keyof AuthConfig]-?: z.ZodType<AuthConfig[Key]> } = {
  "auth.kinds": z
    .array(z.enum(["keys", "jwt", "mtls"]))
    .default([])
    .register(about, {
      flag: "--auth",
      env: "LOOM_BRIDGE_AUTH",
      placeholder: "kinds",
      description:
        "How clients prove who they are: keys, jwt and mtls, one or several. Without: nobody is asked, everybody may do everything, and only this machine can connect.",
    }),
  "auth.policy": path().optional().register(about, {
    flag: "--auth-policy",
    placeholder: "file",
    isPath: true,
    description: "Keys, roles and what they may do, as YAML. Read anew on SIGHUP and by loom-bridge reload.",
  }),
  "auth.jwt.issuer": z.string().min(1).optional().register(about, {
    flag: "--auth-jwt-issuer",
    placeholder: "issuer",
    description: "What the iss of a token must be.",
  }),
  "auth.jwt.audience": z.string().min(1).optional().register(about, {
    flag: "--auth-jwt-audience",
    placeholder: "audience",
    description: "What the aud of a token must be or hold.",
  }),
  "auth.jwt.jwks": path().optional().register(about, {
    flag: "--auth-jwt-jwks",
    placeholder: "file",
    isPath: true,
    description: "The issuer's public keys (JWKS): an https:// address, or a file.",
  }),
  "auth.jwt.claim": z.string().default("loom").register(about, {
    flag: "--auth-jwt-claim",
    placeholder: "claim",
    description: "The claim in which a token says its tenant, roles and grants. Empty: none, the policy alone does.",
  }),
  "auth.mtls.name": z.enum(["uri", "dns", "cn"]).default("uri").register(about, {
    flag: "--auth-mtls-name",
    placeholder: "kind",
    description:
      "Which name of a client's certificate is who it is: the URI or DNS name of its SAN, or its common name.",
  }),
  "auth.maxTenants": z.int().min(1).max(1000).default(16).register(about, {
    flag: "--auth-max-tenants",
    placeholder: "count",
    description: "Tenants besides the default one that are open at a time. Calls of one more are refused.",
  }),
  insecure: z.boolean().default(false).register(about, {
    flag: "--insecure-i-know",
    placeholder: "boolean",
    description:
      "Lets the bridge listen for other machines without TLS or without asking who they are. Only where something in front of it does both.",
  }),
};
