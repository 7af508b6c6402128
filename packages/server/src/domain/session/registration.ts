import { LoomError, limits, parseFilter } from "@loom-bridge/protocol";
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
  atMost("subscriptions", others.length + 1, "subscriptionsPerSession", allowed);
  if (subscription.filters.length === 0) throw invalid("subscription.filters", "is empty; name at least one topic");
  const filters = [subscription, ...others].flatMap((each) => each.filters);
  atMost("filters", filters.length, "filtersPerSession", allowed);
  atMost("filters with a wildcard", filters.filter(isWildcard).length, "wildcardsPerSession", allowed);
  for (const filter of subscription.filters) parseFilter(filter);
  checkDelivery(subscription, others);
}

function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  const pairs = Object.entries(metadata);
  atMost("metadata pairs", pairs.length, "metadataPairs", limits);
  for (const [key, value] of pairs) {
    if (Buffer.byteLength(key) > limits.metadataKeyBytes) {
      throw invalid("metadata", `has a key of ${Buffer.byteLength(key)} bytes; at most ${limits.metadataKeyBytes}`);
    }
    if (Buffer.byteLength(value) > limits.metadataValueBytes) {
      const bytes = Buffer.byteLength(value);
      throw invalid("metadata", `has a value of ${bytes} bytes at ${key}; at most ${limits.metadataValueBytes}`);
    }
  }
}

function invalid(field: string, problem: string): LoomError {
  return new LoomError("invalid_argument", `${field} ${problem}`, { details: { field } });
}

function isWildcard(filter: string): boolean {
  return filter.includes("*");
}

function atMost<Name extends string>(
  what: string,
  wanted: number,
  limit: Name,
  allowed: Readonly<Record<Name, number>>,
): void {
  const most = allowed[limit];
  if (wanted <= most) return;
  const problem = `${wanted} ${what} are asked for, at most ${most} are allowed (${limit}); use fewer`;
  throw new LoomError("resource_exhausted", problem, { details: { field: what, limit, value: String(most) } });
}
