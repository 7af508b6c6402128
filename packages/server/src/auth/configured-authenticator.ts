import type { Authenticator } from "../domain/access/authenticator.ts";
import { createApiKeyAuthenticator } from "./api-keys.ts";
import { chainAuthenticators } from "./authenticator-chain.ts";
import { createJwtAuthenticator, type JwtAuthenticator } from "./jwt.ts";
import { type KeySet, openKeySet } from "./key-set.ts";
import { type CertificateName, createCertificateAuthenticator } from "./mtls.ts";
import { createPolicy, type Policy } from "./policy.ts";
import { readPolicyFile } from "./policy-file.ts";

/** How clients prove who they are, in the order in which they are asked. */
export type AuthenticationKind = "keys" | "jwt" | "mtls";

export interface AuthenticationOptions {
  /** At least one. */
  readonly kinds: readonly AuthenticationKind[];
  /** The file with keys, roles and subjects. Default: none, so that tokens alone grant something. */
  readonly policyPath?: string | undefined;
  readonly jwt?:
    | { readonly issuer: string; readonly audience: string; readonly jwks: string; readonly claim?: string | undefined }
    | undefined;
  /** Default: `uri`. */
  readonly certificateName?: CertificateName | undefined;
}

/** An authenticator whose keys and rules can change while it is asked. */
export interface ConfiguredAuthenticator extends Authenticator {
  /** Reads keys and rules anew. @throws LoomError that says what is wrong; those that were there stay then. */
  reload(): Promise<void>;
}

/** @throws LoomError `invalid_argument` that names what is wrong with a file or an option. */
export async function createConfiguredAuthenticator(options: AuthenticationOptions): Promise<ConfiguredAuthenticator> {
  const { kinds, policyPath, jwt, certificateName = "uri" } = options;
  const readPolicy = async (): Promise<Policy> =>
    policyPath === undefined ? createPolicy({}) : await readPolicyFile(policyPath);
  let policy = await readPolicy();
  const current = (): Policy => policy;
  const tokens = jwt === undefined ? undefined : await openTokens(current, jwt);
  const drivers: Record<AuthenticationKind, Authenticator | undefined> = {
    keys: createApiKeyAuthenticator(current),
    jwt: tokens?.authenticator,
    mtls: createCertificateAuthenticator(current, certificateName),
  };
  // Keys first: a token is whatever else is shown as a bearer. A certificate says least of who is behind it.
  const inOrder = (["keys", "jwt", "mtls"] as const).filter((kind) => kinds.includes(kind));
  const chain = chainAuthenticators(inOrder.map((kind) => drivers[kind]).filter((driver) => driver !== undefined));
  return {
    authenticate: chain.authenticate,
    async reload() {
      const next = await readPolicy();
      await tokens?.keySet.reload();
      tokens?.authenticator.forget();
      policy = next;
    },
  };
}

async function openTokens(
  policy: () => Policy,
  { issuer, audience, jwks, claim }: NonNullable<AuthenticationOptions["jwt"]>,
): Promise<{ keySet: KeySet; authenticator: JwtAuthenticator }> {
  const keySet = await openKeySet(jwks);
  const options = { issuer, audience, keys: keySet.keys, ...(claim === undefined ? {} : { claim }) };
  return { keySet, authenticator: createJwtAuthenticator(policy, options) };
}
