import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import {
  type Ack,
  type ChainSchema,
  type Delivery,
  type EventBatch,
  EventSchema,
  Feature,
  type Gap,
  type Receipt,
  type RegisterSchema,
  type SettlementSchema,
  type SubscriptionAck,
  type SubscriptionSchema,
} from "@loom-bridge/protocol/messages";
import { type DuplexCall, openStream } from "./duplex-call.ts";

type Subscription = MessageInitShape<typeof SubscriptionSchema>;
type Heard = NonNullable<Delivery["delivery"]["value"]>;

export interface RawPublish {
  readonly id?: string;
  readonly key?: string;
  readonly payload?: Uint8Array;
  readonly chain?: MessageInitShape<typeof ChainSchema>;
}

/** An agent that says every message by hand, and hears each kind in its own order. */
export class RawAgent implements AsyncDisposable {
  readonly call: DuplexCall;
  readonly ack: Ack;
  readonly #heard: Delivery[] = [];
  #ref = 0n;

  static async open(transport: Transport, register: MessageInitShape<typeof RegisterSchema>): Promise<RawAgent> {
    const call = openStream(transport);
    const features = [Feature.BATCHES, Feature.NOTICES];
    call.say({ case: "register", value: { features, ...register } });
    const first = await call.hear();
    if (first?.delivery.case !== "ack") throw new Error(`expected an Ack, got ${first?.delivery.case}`);
    return new RawAgent(call, first.delivery.value);
  }

  private constructor(call: DuplexCall, ack: Ack) {
    this.call = call;
    this.ack = ack;
  }

  async subscribe(subscription: Subscription): Promise<SubscriptionAck> {
    this.call.say({ case: "subscribe", value: { subscription } });
    return (await this.#hear("subscriptionAck")) as SubscriptionAck;
  }

  async publish(topic: string, { id = "", key = "", payload, chain }: RawPublish = {}): Promise<Receipt> {
    this.#ref += 1n;
    const event = toBinary(EventSchema, create(EventSchema, { id, type: "t", payload: payload ?? new Uint8Array() }));
    const item = { topic, event, id, type: "t", key, ...(chain === undefined ? {} : { chain }) };
    this.call.say({ case: "publishBatch", value: { firstRef: this.#ref, items: [item] } });
    const { receipts } = (await this.#hear("receiptBatch")) as { receipts: Receipt[] };
    return receipts[0] as Receipt;
  }

  acknowledge(subscription: number, sequence: bigint): void {
    this.call.say({ case: "eventAck", value: { subscription, sequence } });
  }

  settle(subscription: number, ...settlements: MessageInitShape<typeof SettlementSchema>[]): void {
    this.call.say({ case: "eventSettle", value: { subscription, settlements } });
  }

  batch(): Promise<EventBatch> {
    return this.#hear("eventBatch") as Promise<EventBatch>;
  }

  gap(): Promise<Gap> {
    return this.#hear("gap") as Promise<Gap>;
  }

  /** The ids of the next events, in as many batches as they come. */
  async ids(count: number): Promise<string[]> {
    const ids: string[] = [];
    while (ids.length < count) ids.push(...idsOf(await this.batch()));
    return ids;
  }

  /** Resolves when the bridge has read everything that was said. */
  async settled(): Promise<void> {
    this.call.say({ case: "heartbeat", value: { timestampMs: 1n } });
    await this.#hear("heartbeatAck");
  }

  /** Whether nothing of this kind has come so far. */
  async hasNone(kind: "eventBatch" | "gap"): Promise<boolean> {
    await this.settled();
    return !this.#heard.some(({ delivery }) => delivery.case === kind);
  }

  /** Leaves, and waits until the bridge has ended the stream. */
  async leave(): Promise<void> {
    this.call.say({ case: "goodbye", value: {} });
    while ((await this.call.hear()) !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.call.cut();
  }

  async #hear(kind: Delivery["delivery"]["case"]): Promise<Heard> {
    for (;;) {
      const place = this.#heard.findIndex(({ delivery }) => delivery.case === kind);
      const [found] = place < 0 ? [] : this.#heard.splice(place, 1);
      if (found?.delivery.value !== undefined) return found.delivery.value;
      const next = await this.call.hear();
      if (next === undefined) throw new Error(`the stream ended before ${kind}`);
      this.#heard.push(next);
    }
  }
}

export function idsOf(batch: EventBatch): string[] {
  return batch.events.map(({ event }) => fromBinary(EventSchema, event).id);
}
