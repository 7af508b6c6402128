import type { Authenticator } from "../domain/access/authenticator.ts";
import { unauthenticated } from "../domain/access/refusals.ts";

/** Asks one after the other until one knows the kind of what is shown. Wrong credentials are not tried elsewhere. */
export function chainAuthenticators(authenticators: readonly Authenticator[]): Authenticator {
  return {
    async authenticate(presented) {
      for (const authenticator of authenticators) {
        const principal = await authenticator.authenticate(presented);
        if (principal !== undefined) return principal;
      }
      // Something was shown that none of them takes: to call it missing would send its owner looking in the wrong place.
      if (presented.header.get("authorization") !== null) throw unauthenticated("invalid");
      return undefined;
    },
  };
}
