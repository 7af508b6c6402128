import type { RoutedEvent } from "@loom-bridge/protocol/messages";
import type { EventAcks } from "./event-acks.ts";
import type { ReceivedEvent } from "./received-event.ts";

/** An event of a subscription that is acknowledged in order, where there is only one way to be finished with it. */
export class EventInOrder implements ReceivedEvent {
  readonly subscription: number;
  readonly sequence: number;
  readonly attempt: number;
  readonly receivedMs: number;
  readonly routed: RoutedEvent;
  readonly #acks: EventAcks;

  constructor(
    acks: EventAcks,
    subscription: number,
    sequence: number,
    attempt: number,
    receivedMs: number,
    routed: RoutedEvent,
  ) {
    this.#acks = acks;
    this.subscription = subscription;
    this.sequence = sequence;
    this.attempt = attempt;
    this.receivedMs = receivedMs;
    this.routed = routed;
  }

  settle(): void {
    this.#acks.finished(this.subscription, this.sequence);
  }
}
