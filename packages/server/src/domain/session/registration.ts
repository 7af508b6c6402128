import { LoomError, limits, parseFilter } from "@loom-bridge/protocol";
import { atMost } from "../at-most.ts";
import { defaultQuality } from "../bus/quality.ts";
import type { SubscriptionRequest } from "../bus/subscription-request.ts";
import type { ToolDescriptor } from "../tools/tool.ts";
import { checkAgentId } from "./check-agent-id.ts";
import { checkDelivery } from "./check-delivery.ts";
import type { SessionLimits } from "./session-settings.ts";

/** What an agent says when it opens a session. */
export interface Registration {
  readonly agentId: string;
  readonly topics: readonly string[];
  readonly subscriptions: readonly SubscriptionRequest[];
  readonly tools: readonly ToolDescriptor[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Whether the agent is told that the bridge drains. Default: false. */
  readonly hearsNotices?: boolean;
}

/** How many subscriptions and filters a session may have. */
export type HearingLimits = Pick<
  SessionLimits,
  "subscriptionsPerSession" | "filtersPerSession" | "wildcardsPerSession"
>;

/**
 * Returns every subscription that a registration asks for, its topics as number 0.
 * @throws LoomError `invalid_argument` or `resource_exhausted` that names the field, when one part is wrong.
 */
export function checkRegistration(registration: Registration, allowed: HearingLimits): SubscriptionRequest[] {
  checkAgentId(registration.agentId);
  checkMetadata(registration.metadata);
  const subscriptions = [...registration.subscriptions];
  if (registration.topics.length > 0) {
    subscriptions.unshift({
      id: 0,
      filters: registration.topics,
      eventTypes: [],
      quality: defaultQuality,
      window: 0,
    });
  }
  for (const [index, subscription] of subscriptions.entries()) {
    checkSubscription(subscription, subscriptions.slice(0, index), allowed, registration.topics.length > 0);
  }
  return subscriptions;
}

/** @throws LoomError when a subscription cannot stand beside the others of its session. */
export function checkSubscription(
  subscription: SubscriptionRequest,
  others: readonly SubscriptionRequest[],
  allowed: HearingLimits,
  isRegistration = false,
): void {
  if (subscription.id === 0 && !(isRegistration && others.length === 0)) {
    throw invalid("subscription.id", "is 0, which stands for Register.topics; choose a number from 1");
  }
  if (others.some((other) => other.id === subscription.id)) {
    throw invalid("subscription.id", `${subscription.id} is used twice; ids are unique within a session`);
  }
  const code = "resource_exhausted";
  const count = others.length + 1;
  atMost(allowed, { field: "the session", unit: "subscriptions", count, limit: "subscriptionsPerSession", code });
  if (subscription.filters.length === 0) throw invalid("subscription.filters", "is empty; name at least one topic");
  const filters = [subscription, ...others].flatMap((each) => each.filters);
  const wildcards = filters.filter((filter) => filter.includes("*"));
  const field = "the session";
  atMost(allowed, { field, unit: "filters", count: filters.length, limit: "filtersPerSession", code });
  atMost(allowed, { field, unit: "wildcards", count: wildcards.length, limit: "wildcardsPerSession", code });
  for (const filter of subscription.filters) parseFilter(filter);
  checkDelivery(subscription, others);
}

function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  const pairs = Object.entries(metadata);
  const code = "resource_exhausted";
  atMost(limits, { field: "metadata", unit: "pairs", count: pairs.length, limit: "metadataPairs", code });
  for (const [key, value] of pairs) {
    const [keyBytes, valueBytes] = [Buffer.byteLength(key), Buffer.byteLength(value)];
    atMost(limits, { field: "a key of metadata", unit: "bytes", count: keyBytes, limit: "metadataKeyBytes" });
    atMost(limits, { field: "a value of metadata", unit: "bytes", count: valueBytes, limit: "metadataValueBytes" });
  }
}

function invalid(field: string, problem: string): LoomError {
  return new LoomError("invalid_argument", `${field} ${problem}`, { details: { field } });
}
