import { ConnectError, type HandlerContext, type Interceptor } from "@connectrpc/connect";
import type { Access } from "../domain/access/access.ts";
import type { Gatekeeper } from "../domain/access/gatekeeper.ts";
import { unauthenticated } from "../domain/access/refusals.ts";
import type { Logger } from "../domain/logger.ts";
import { admissionKey } from "../listener/admission.ts";
import { admitCall } from "./admit-call.ts";

/**
 * What the one who makes a call may do.
 * @throws the reason why it is refused.
 */
export function accessOf({ values }: Pick<HandlerContext, "values">): Access {
  const admission = values.get(admissionKey);
  if (admission === undefined) throw unauthenticated("missing");
  if (admission instanceof ConnectError) throw admission;
  return admission;
}

/** For calls that come without a listener in front, and so were not asked yet. */
export function createAdmissionInterceptor(gatekeeper: Pick<Gatekeeper, "admit">, logger: Logger): Interceptor {
  return (next) => async (request) => {
    const { contextValues, header } = request;
    if (contextValues.get(admissionKey) === undefined) {
      const presented = { header, certificate: undefined, remoteAddress: "" };
      contextValues.set(admissionKey, await admitCall(gatekeeper, presented, logger));
    }
    return await next(request);
  };
}
