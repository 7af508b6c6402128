import type { Authenticator, Presented } from "../domain/access/authenticator.ts";
import { createPrincipal, type PrincipalInit } from "./principal-init.ts";

/**
 * Asks a function of yours who makes a call: from what it shows to a principal, or to nothing when it shows nothing that
 * you know. Throw `LoomError` `unauthenticated` for credentials that are not valid. It is asked for every call, and again
 * about every open stream on a reload; whatever takes longer than 5 s is a refusal, so keep what you find out for a while.
 */
export function createCalloutAuthenticator(
  ask: (presented: Presented) => PrincipalInit | undefined | Promise<PrincipalInit | undefined>,
): Authenticator {
  return {
    async authenticate(presented) {
      const init = await ask(presented);
      return init && createPrincipal(init);
    },
  };
}
