import { fromBinary } from "@bufbuild/protobuf";
import { type Chain, DeliverySchema, type EventBatch, type RoutedEvent } from "@loom-bridge/protocol/messages";
import { EventBytes } from "./event-bytes.ts";

/** An event where it lies in a message, and what the bridge says of it. */
export interface EncodedEvent {
  readonly source: EventBytes;
  readonly start: number;
  readonly end: number;
  readonly topic: string;
  readonly sender: string;
  readonly key: string;
  readonly offset: number;
  readonly chain: Chain | undefined;
}

/**
 * A batch whose events were checked and stay encoded, so that each is made once, as what its handler gets. To everybody
 * else it is the message that it was.
 */
export class EncodedBatch implements EventBatch {
  readonly $typeName = "loom.bridge.v1.EventBatch";
  readonly subscription: number;
  readonly firstSequence: bigint;
  readonly attempt: number;
  readonly #message: Uint8Array;
  readonly #encoded: readonly EncodedEvent[];
  #events: RoutedEvent[] | undefined;

  constructor(
    message: Uint8Array,
    subscription: number,
    firstSequence: bigint,
    attempt: number,
    encoded: readonly EncodedEvent[],
  ) {
    this.#message = message;
    this.subscription = subscription;
    this.firstSequence = firstSequence;
    this.attempt = attempt;
    this.#encoded = encoded;
  }

  get events(): RoutedEvent[] {
    this.#events ??= (fromBinary(DeliverySchema, this.#message).delivery.value as EventBatch).events;
    return this.#events;
  }

  /** The events of any batch. */
  static eventsOf(batch: EventBatch): readonly EncodedEvent[] {
    // Who has asked for the messages may have changed them.
    return batch instanceof EncodedBatch && batch.#events === undefined ? batch.#encoded : batch.events.map(encodedOf);
  }
}

function encodedOf({ event, topic, sender, key, offset, chain }: RoutedEvent): EncodedEvent {
  const source = new EventBytes(event);
  return { source, start: 0, end: event.length, topic, sender, key, offset: Number(offset), chain };
}
