import { LoomError } from "@loom-bridge/protocol";
import type { ClientEvent, EventSettle, PublishBatch } from "@loom-bridge/protocol/messages";
import type { Logger } from "../domain/logger.ts";
import type { Session } from "../domain/session/session.ts";
import { fromEvent, fromPublishItem, toSubscriptionRequest, toVerdict } from "./event-mapping.ts";
import { toCallRequest, toToolOutcome } from "./tool-mapping.ts";

/** Hands one message of an agent to its session. Kinds that this bridge does not know are passed over. */
export function handleClientEvent(session: Session, { event }: ClientEvent, logger: Logger): void {
  session.heard();
  switch (event.case) {
    case "publish": {
      const { topic, ref } = event.value;
      session.publish(Number(ref), [fromEvent(topic, event.value.event, session.agentId)]);
      return;
    }
    case "publishBatch":
      publishBatch(session, event.value);
      return;
    case "heartbeat":
      session.heartbeat(Number(event.value.timestampMs));
      return;
    case "subscribe": {
      const { subscription } = event.value;
      if (subscription === undefined) throw new LoomError("invalid_argument", "subscribe.subscription is missing");
      session.subscribe(toSubscriptionRequest(subscription));
      return;
    }
    case "unsubscribe":
      session.unsubscribe(event.value.id);
      return;
    case "eventAck":
      session.acknowledge(event.value.subscription, Number(event.value.sequence));
      return;
    case "eventSettle":
      settle(session, event.value);
      return;
    case "toolRequest": {
      const { ref, call, onBehalfOf } = event.value;
      if (call === undefined) throw new LoomError("invalid_argument", "tool_request.call is missing");
      session.callTool(ref, toCallRequest(call), onBehalfOf);
      return;
    }
    case "toolResponse": {
      const { ref, result } = event.value;
      if (!session.provider.settle(ref, toToolOutcome(result))) {
        logger.debug("a tool result came late", { agentId: session.agentId, ref });
      }
      return;
    }
    case "toolCancel":
      session.cancelCall(event.value.ref);
      return;
    case "goodbye":
      void session.finish();
      return;
    case "register":
      throw new LoomError("failed_precondition", "the stream has its session already; Register is sent once, first");
    case undefined:
      return;
  }
}

function settle(session: Session, { subscription, settlements }: EventSettle): void {
  for (const settlement of settlements) {
    session.settle(subscription, Number(settlement.sequence), toVerdict(settlement));
  }
}

function publishBatch(session: Session, batch: PublishBatch): void {
  const firstRef = Number(batch.firstRef);
  if (firstRef === 0) throw new LoomError("invalid_argument", "publish_batch.first_ref is 0; refs count from 1");
  const events = batch.items.map((item) => fromPublishItem(item, session.agentId));
  session.publish(firstRef, events);
}
