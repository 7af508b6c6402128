import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  type Ack,
  BridgeService,
  type ClientEvent,
  ClientEventSchema,
  type Delivery,
  EventSchema,
  Feature,
  type PublishItemSchema,
  type Receipt,
  type SubscriptionSchema,
  type ToolDescriptorSchema,
  type ToolRequest,
  type ToolResult,
} from "@loom-bridge/protocol/messages";

/** An event, as a session received it. */
export interface HeardEvent {
  readonly id: string;
  readonly topic: string;
  readonly sender: string;
  readonly subscription: number;
  readonly sequence: number;
}

type Say = NonNullable<MessageInitShape<typeof ClientEventSchema>["event"]>;

type PublishItemInit = MessageInitShape<typeof PublishItemSchema>;

/** What a session registers with. */
export interface RegisterInit {
  readonly subscriptions?: MessageInitShape<typeof SubscriptionSchema>[];
  readonly tools?: MessageInitShape<typeof ToolDescriptorSchema>[];
}

/** A stream that is spoken by hand, and remembers all that it heard. */
export class WireSession {
  readonly agentId: string;
  ack: Ack | undefined;
  /** How the bridge ended it: empty text for OK. */
  ended: { readonly code: string; readonly message: string } | undefined;
  readonly events: HeardEvent[] = [];
  readonly receipts: Map<number, Receipt> = new Map<number, Receipt>();
  readonly requests: ToolRequest[] = [];
  readonly results: { readonly ref: number; readonly result?: ToolResult | undefined }[] = [];
  readonly cancels: number[] = [];
  heartbeatAcks = 0;
  readonly #outbound: ClientEvent[] = [];
  readonly #abort = new AbortController();
  #wake: (() => void) | undefined;
  #isOver = false;
  #lastRef = 0;

  constructor(transport: Transport, agentId: string) {
    this.agentId = agentId;
    void this.#listen(transport);
  }

  say(event: Say): void {
    this.#outbound.push(create(ClientEventSchema, { event }));
    this.#wake?.();
  }

  register(register: RegisterInit = {}): void {
    const features = [Feature.BATCHES, Feature.NOTICES];
    this.say({ case: "register", value: { agentId: this.agentId, features, ...register } });
  }

  /** Publishes and returns the number under which the receipt comes. */
  publish(topic: string, id: string, metadata: Record<string, string> = {}, source: string = this.agentId): number {
    return this.#publish([this.#item(topic, id, metadata, source)]);
  }

  /** Publishes many at once, and returns the number under which the last receipt comes. */
  publishAll(topic: string, ids: readonly string[]): number {
    return this.#publish(ids.map((id) => this.#item(topic, id, {}, this.agentId)));
  }

  resultsOf(ref: number): (ToolResult | undefined)[] {
    return this.results.filter((heard) => heard.ref === ref).map(({ result }) => result);
  }

  /** Breaks the stream without a word. */
  cut(): void {
    this.#isOver = true;
    this.#wake?.();
    this.#abort.abort();
  }

  #item(topic: string, id: string, metadata: Record<string, string>, source: string): PublishItemInit {
    const event = toBinary(EventSchema, create(EventSchema, { id, type: "model", source, metadata }));
    return { topic, event, id, type: "model" };
  }

  #publish(items: PublishItemInit[]): number {
    const firstRef = BigInt(this.#lastRef + 1);
    this.#lastRef += items.length;
    this.say({ case: "publishBatch", value: { firstRef, items } });
    return this.#lastRef;
  }

  async #listen(transport: Transport): Promise<void> {
    try {
      const { signal } = this.#abort;
      for await (const delivery of createClient(BridgeService, transport).stream(this.#requests(), { signal })) {
        this.#hear(delivery);
      }
      this.ended = { code: "OK", message: "" };
    } catch (error) {
      const { code, rawMessage: message } = ConnectError.from(error);
      this.ended = { code: Code[code], message };
    }
    this.#isOver = true;
    this.#wake?.();
  }

  #hear({ delivery }: Delivery): void {
    switch (delivery.case) {
      case "ack":
        this.ack = delivery.value;
        break;
      case "eventBatch": {
        const { subscription, firstSequence, events } = delivery.value;
        for (const [index, { topic, sender, event }] of events.entries()) {
          const { id } = fromBinary(EventSchema, event);
          this.events.push({ id, topic, sender, subscription, sequence: Number(firstSequence) + index });
        }
        break;
      }
      case "receiptBatch":
        for (const receipt of delivery.value.receipts) {
          for (let at = 0; at < receipt.count; at += 1) this.receipts.set(Number(receipt.ref) + at, receipt);
        }
        break;
      case "toolRequest":
        this.requests.push(delivery.value);
        break;
      case "toolResponse":
        this.results.push(delivery.value);
        break;
      case "toolCancel":
        this.cancels.push(delivery.value.ref);
        break;
      case "heartbeatAck":
        this.heartbeatAcks += 1;
        break;
      default:
    }
  }

  async *#requests(): AsyncGenerator<ClientEvent> {
    while (!this.#isOver) {
      const next = this.#outbound.shift();
      if (next !== undefined) yield next;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
