import type { Access } from "../access/access.ts";
import type { BusEvent } from "./bus-event.ts";
import type { EventBus } from "./event-bus.ts";

/** @throws LoomError `permission_denied` when this may not be published by who does. The journal is told. */
export function checkPublish(bus: EventBus, access: Access, event: BusEvent): void {
  if (access.may("topics.publish", event.topic)) return;
  const { rule } = access.decide("topics.publish", event.topic);
  const error = access.deny("topics.publish", event.topic, rule);
  bus.noteRefused(event, error);
  throw error;
}
