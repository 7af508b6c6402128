import type { Presented } from "../domain/access/authenticator.ts";
import type { Gatekeeper } from "../domain/access/gatekeeper.ts";
import type { Logger } from "../domain/logger.ts";
import type { Admission } from "../listener/admission.ts";
import { toConnectError } from "./connect-error.ts";

/** Asks who makes a call; a refusal is an answer too, in the words of the wire. */
export function admitCall(
  gatekeeper: Pick<Gatekeeper, "admit">,
  presented: Presented,
  logger: Logger,
): Admission | Promise<Admission> {
  const refuse = (error: unknown): Admission => toConnectError(error, logger);
  try {
    const admission = gatekeeper.admit(presented);
    return admission instanceof Promise ? admission.catch(refuse) : admission;
  } catch (error) {
    return refuse(error);
  }
}
