import type { Access } from "../access/access.ts";
import type { SubscriptionRequest } from "../bus/subscription-request.ts";

/**
 * Checks that all of a subscription's filters may be heard. Returns whether each of its events has to be looked at too:
 * where something within a filter is denied. Groups get no such filter, because what one member is not to hear would
 * be lost for the others.
 * @throws LoomError `permission_denied`.
 */
export function checkHearing(access: Access, request: Pick<SubscriptionRequest, "filters" | "group">): boolean {
  let isPartial = false;
  for (const filter of request.filters) {
    const { hearing, rule } = access.hear(filter);
    if (hearing === "none" || (hearing === "some" && request.group !== undefined)) {
      throw access.deny("topics.subscribe", filter, rule);
    }
    isPartial ||= hearing === "some";
  }
  return isPartial;
}
