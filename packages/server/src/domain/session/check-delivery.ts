import { LoomError, limits } from "@loom-bridge/protocol";
import type { SubscriptionRequest } from "../bus/subscription-request.ts";

const namePattern = /^[A-Za-z0-9_.:@-]+$/;
const settleTimeout = { min: 100, max: 43_200_000 };
const mostAttempts = 100;
/** Each event in such a window is remembered by itself. */
const largestTrackedWindow = 65_536;

/** @throws LoomError `invalid_argument` when a subscription cannot be delivered in the way it asks for. */
export function checkDelivery(subscription: SubscriptionRequest, others: readonly SubscriptionRequest[]): void {
  const { group, durable, settleTimeoutMs, maxAttempts, atLeastOnce, window, start } = subscription;
  if (group !== undefined) checkName("group", group);
  if (durable !== undefined) checkName("durable", durable);
  if (durable !== undefined && others.some((other) => other.durable === durable && other.group === group)) {
    throw invalid("durable", `${durable} is used twice; a position is one subscription's`);
  }
  if (atLeastOnce === true && window === 0) {
    throw invalid("window", "is 0; AT_LEAST_ONCE needs one, for it bounds what is unsettled");
  }
  if ((atLeastOnce === true || durable !== undefined) && window > largestTrackedWindow) {
    throw invalid("window", `is ${window}; with AT_LEAST_ONCE or durable, at most ${largestTrackedWindow} are allowed`);
  }
  if (settleTimeoutMs !== undefined && (settleTimeoutMs < settleTimeout.min || settleTimeoutMs > settleTimeout.max)) {
    const { min, max } = settleTimeout;
    throw invalid("settle_timeout_ms", `is ${settleTimeoutMs}; at least ${min} and at most ${max} are allowed`);
  }
  if (maxAttempts !== undefined && maxAttempts > mostAttempts) {
    throw invalid("max_attempts", `is ${maxAttempts}; at most ${mostAttempts} are allowed`);
  }
  if (start?.kind === "since" && start.timeMs < 0)
    throw invalid("start.since_ms", `is ${start.timeMs}; it is not below 0`);
}

function checkName(field: string, name: string): void {
  if (name.length <= limits.idBytes && namePattern.test(name)) return;
  const shown = JSON.stringify(name.slice(0, 80));
  throw invalid(field, `is ${shown}; 1 to ${limits.idBytes} bytes of A-Z a-z 0-9 _ . : @ - are allowed`);
}

function invalid(field: string, problem: string): LoomError {
  return new LoomError("invalid_argument", `subscription.${field} ${problem}`, {
    details: { field: `subscription.${field}` },
  });
}
