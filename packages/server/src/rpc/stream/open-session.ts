import { create } from "@bufbuild/protobuf";
import { LoomError, limits } from "@loom-bridge/protocol";
import { type ClientEvent, type Delivery, DeliverySchema, Feature } from "@loom-bridge/protocol/messages";
import type { Access } from "../../domain/access/access.ts";
import type { Session } from "../../domain/session/session.ts";
import type { SessionRegistry } from "../../domain/session/session-registry.ts";
import type { SessionSettings } from "../../domain/session/session-settings.ts";
import { type Features, knownFeatures } from "../delivery-mapping.ts";
import { toSubscriptionRequest } from "../event-mapping.ts";
import { toToolDescriptor } from "../tool-mapping.ts";

export interface OpenedSession {
  readonly session: Session;
  /** What its agent understands beyond Ack and Event. */
  readonly features: Features;
  readonly ack: Delivery;
}

/**
 * Opens a session by a stream's first message.
 * @throws LoomError `invalid_argument` when that is no Register, or one that cannot be taken; `permission_denied`.
 */
export function openSession(
  { event }: ClientEvent,
  { sessions, settings }: { readonly sessions: SessionRegistry; readonly settings: SessionSettings },
  access: Access,
): OpenedSession {
  if (event.case !== "register") {
    const kind = event.case ?? "a message of an unknown kind";
    throw new LoomError("invalid_argument", `the first message is ${kind}; send Register first`);
  }
  const register = event.value;
  const registration = {
    agentId: register.agentId,
    topics: register.topics,
    subscriptions: register.subscriptions.map(toSubscriptionRequest),
    tools: register.tools.map(toToolDescriptor),
    metadata: register.metadata,
    hearsNotices: register.features.includes(Feature.NOTICES),
  };
  const session = sessions.open(registration, access);
  const features = new Set(knownFeatures.filter((feature) => register.features.includes(feature)));
  const value = {
    success: true,
    sessionId: session.sessionId,
    epoch: BigInt(session.epoch),
    heartbeatIntervalMs: settings.heartbeatIntervalMs,
    features: [...features],
    publishWindow: settings.publishWindow,
    maxOpenCalls: settings.maxOpenCalls,
    maxMessageBytes: limits.messageBytes,
    logId: session.log.id,
    logOffset: BigInt(session.log.head),
  };
  return { session, features, ack: create(DeliverySchema, { delivery: { case: "ack", value } }) };
}
