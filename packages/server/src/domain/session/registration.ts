import { LoomError, limits, parseFilter } from "@loom-bridge/protocol";
import { defaultQuality } from "../bus/quality.ts";
import type { SubscriptionRequest } from "../bus/subscription-request.ts";
import type { ToolDescriptor } from "../tools/tool.ts";
import { checkAgentId } from "./check-agent-id.ts";
import { checkDelivery } from "./check-delivery.ts";

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

/**
 * Returns every subscription that a registration asks for, its topics as number 0.
 * @throws LoomError `invalid_argument` or `resource_exhausted` that names the field, when one part is wrong.
 */
export function checkRegistration(registration: Registration): SubscriptionRequest[] {
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
    checkSubscription(subscription, subscriptions.slice(0, index), registration.topics.length > 0);
  }
  return subscriptions;
}

/** @throws LoomError when a subscription cannot stand beside the others of its session. */
export function checkSubscription(
  subscription: SubscriptionRequest,
  others: readonly SubscriptionRequest[],
  isRegistration = false,
): void {
  if (subscription.id === 0 && !(isRegistration && others.length === 0)) {
    throw invalid("subscription.id", "is 0, which stands for Register.topics; choose a number from 1");
  }
  if (others.some((other) => other.id === subscription.id)) {
    throw invalid("subscription.id", `${subscription.id} is used twice; ids are unique within a session`);
  }
  if (others.length + 1 > limits.subscriptionsPerSession) {
    throw exhausted("subscriptions", others.length + 1, limits.subscriptionsPerSession);
  }
  if (subscription.filters.length === 0) throw invalid("subscription.filters", "is empty; name at least one topic");
  const filters = [subscription, ...others].reduce((sum, { filters: { length } }) => sum + length, 0);
  if (filters > limits.filtersPerSession) throw exhausted("filters", filters, limits.filtersPerSession);
  for (const filter of subscription.filters) parseFilter(filter);
  checkDelivery(subscription, others);
}

function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  const pairs = Object.entries(metadata);
  if (pairs.length > limits.metadataPairs) throw exhausted("metadata", pairs.length, limits.metadataPairs);
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

function exhausted(field: string, value: number, limit: number): LoomError {
  return new LoomError("resource_exhausted", `${field}: ${value} are asked for, at most ${limit} are allowed`, {
    details: { field, value: String(value), limit: String(limit) },
  });
}
