import { timingSafeEqual } from "node:crypto";
import type { Authenticator, Presented } from "../domain/access/authenticator.ts";
import { unauthenticated } from "../domain/access/refusals.ts";
import { apiKeyId, hashOf } from "./api-key.ts";
import { bearerToken } from "./bearer-token.ts";
import type { Policy } from "./policy.ts";

/** What the hash of an unknown key is compared with, so that it takes as long as any other. */
const nothing = Buffer.alloc(32);

/** Knows the keys of a policy, which holds their hashes alone: `authorization: Bearer lbk_…` or `x-api-key: lbk_…`. */
export function createApiKeyAuthenticator(policy: () => Policy): Authenticator {
  return {
    authenticate(presented) {
      const shown = shownKey(presented);
      if (shown === undefined) return undefined;
      const id = apiKeyId(shown);
      const entry = id === undefined ? undefined : policy().key(id);
      const expected = entry === undefined ? nothing : Buffer.from(entry.hash.slice("sha256:".length), "hex");
      if (!timingSafeEqual(hashOf(shown), expected) || entry === undefined) throw unauthenticated("invalid");
      const { subject, tenant, expiresMs } = entry;
      policy().refuseRevoked({ subject, tenant });
      return policy().principalOf(subject, { tenant, expiresMs });
    },
  };
}

function shownKey(presented: Presented): string | undefined {
  const token = bearerToken(presented);
  return token?.startsWith("lbk_") ? token : (presented.header.get("x-api-key") ?? undefined);
}
