import type { Delivery } from "@loom-bridge/protocol/messages";

type Message = Delivery["delivery"];
type Kind = Exclude<NonNullable<Message["case"]>, "event" | "heartbeatAck">;

/** Who gets which message of the bridge. */
export type DeliveryRoutes = {
  readonly [Case in Kind]: (message: Extract<Message, { case: Case }>["value"]) => void;
};

/** Hands a message to who waits for it. */
export function routeDelivery({ delivery }: Delivery, routes: DeliveryRoutes): void {
  switch (delivery.case) {
    case "ack":
      return routes.ack(delivery.value);
    case "eventBatch":
      return routes.eventBatch(delivery.value);
    case "receiptBatch":
      return routes.receiptBatch(delivery.value);
    case "toolRequest":
      return routes.toolRequest(delivery.value);
    case "toolResponse":
      return routes.toolResponse(delivery.value);
    case "toolCancel":
      return routes.toolCancel(delivery.value);
    case "subscriptionAck":
      return routes.subscriptionAck(delivery.value);
    case "gap":
      return routes.gap(delivery.value);
    case "drain":
      return routes.drain(delivery.value);
    default:
      // Having come is all that a HeartbeatAck is for; Event comes only without FEATURE_BATCHES; and a newer bridge may
      // say what this client does not know.
      return undefined;
  }
}
