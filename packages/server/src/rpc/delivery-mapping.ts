import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Delivery,
  DeliverySchema,
  Feature,
  GapReason,
  type ReceiptSchema,
  type ToolRequest,
  type ToolResponse,
} from "@loom-bridge/protocol/messages";
import type { LossReason } from "../domain/bus/queued.ts";
import type { ControlFrame, Receipt } from "../domain/session/control-frame.ts";
import type { SessionEvents } from "../domain/session/session.ts";
import { toEvent, toRoutedEvent } from "./event-mapping.ts";
import { fromDrops } from "./stats-mapping.ts";
import { fromToolInvocation, fromToolOutcome, toCallers } from "./tool-mapping.ts";

/** What a client said that it understands beyond Ack and Event. */
export type Features = ReadonlySet<Feature>;

/** The features that this bridge has. */
export const knownFeatures: readonly Feature[] = [Feature.BATCHES, Feature.NOTICES];

/** The message for a control frame; nothing where the client did not ask for its kind. */
export function fromControlFrame(frame: ControlFrame, features: Features, nowMs: number): Delivery | undefined {
  switch (frame.kind) {
    case "receipts":
      return create(DeliverySchema, {
        delivery: { case: "receiptBatch", value: { receipts: frame.receipts.map(fromReceipt) } },
      });
    case "tool-request": {
      const { ref, invocation } = frame;
      const { caller } = invocation;
      const value: ToolRequest = {
        $typeName: "loom.bridge.v1.ToolRequest",
        ref,
        call: fromToolInvocation(invocation),
        caller,
        callers: toCallers(invocation),
        onBehalfOf: 0,
      };
      return { $typeName: "loom.bridge.v1.Delivery", delivery: { case: "toolRequest", value } };
    }
    case "tool-response": {
      const result = fromToolOutcome(frame.callId, frame.outcome);
      const value: ToolResponse = { $typeName: "loom.bridge.v1.ToolResponse", ref: frame.ref, result };
      return { $typeName: "loom.bridge.v1.Delivery", delivery: { case: "toolResponse", value } };
    }
    case "tool-cancel":
      return create(DeliverySchema, {
        delivery: { case: "toolCancel", value: { ref: frame.ref, reason: frame.reason } },
      });
    case "subscription-ack":
      return create(DeliverySchema, {
        delivery: {
          case: "subscriptionAck",
          value: {
            id: frame.id,
            active: frame.active,
            errorMessage: frame.problem,
            groupMembers: frame.groupMembers,
            logOffset: BigInt(frame.logOffset),
          },
        },
      });
    case "heartbeat-ack":
      if (!features.has(Feature.NOTICES)) return undefined;
      return create(DeliverySchema, {
        delivery: {
          case: "heartbeatAck",
          value: { timestampMs: BigInt(frame.timestampMs), bridgeTimestampMs: BigInt(Math.floor(nowMs)) },
        },
      });
    case "drain":
      if (!features.has(Feature.NOTICES)) return undefined;
      return create(DeliverySchema, {
        delivery: { case: "drain", value: { reason: frame.reason, graceMs: frame.graceMs } },
      });
  }
}

export const gapReasons: Readonly<Record<LossReason, GapReason>> = {
  "queue-full": GapReason.QUEUE_FULL,
  "not-retained": GapReason.NOT_RETAINED,
};

/** The message for events that were lost before these; nothing where none were, or the client did not ask for it. */
export function fromGap({ subscriptionId, gap }: SessionEvents, features: Features): Delivery | undefined {
  if (gap === undefined || !features.has(Feature.NOTICES)) return undefined;
  const firstSequence = BigInt(gap.first);
  const lastSequence = BigInt(gap.last);
  const value = { subscription: subscriptionId, firstSequence, lastSequence, reason: gapReasons[gap.reason] };
  return create(DeliverySchema, { delivery: { case: "gap", value } });
}

/** The messages for a subscription's events: one batch, or one message an event for a client without batches. */
export function fromSessionEvents(taken: SessionEvents, features: Features): Delivery[] {
  const deliveries: Delivery[] = [];
  const subscription = taken.subscriptionId;
  const gap = fromGap(taken, features);
  if (gap !== undefined) deliveries.push(gap);
  if (!features.has(Feature.BATCHES)) {
    for (const event of taken.events) {
      deliveries.push(create(DeliverySchema, { delivery: { case: "event", value: toEvent(event) } }));
    }
  } else if (taken.events.length > 0) {
    const value = {
      subscription,
      firstSequence: BigInt(taken.firstSequence),
      events: taken.events.map(toRoutedEvent),
      attempt: taken.attempt,
    };
    deliveries.push(create(DeliverySchema, { delivery: { case: "eventBatch", value } }));
  }
  return deliveries;
}

function fromReceipt(receipt: Receipt): MessageInitShape<typeof ReceiptSchema> {
  const { count, matched, queued, dropped, error, duplicate } = receipt;
  const told = {
    ref: BigInt(receipt.ref),
    count,
    matched,
    queued,
    dropped,
    duplicate,
    offset: BigInt(receipt.offset),
    drops: fromDrops(receipt.drops),
  };
  return error === undefined ? told : { ...told, error: { code: error.code, message: error.rawMessage } };
}
