import type { DescMessage, Message } from "@bufbuild/protobuf";
import {
  type ClientEvent,
  ClientEventSchema,
  type Delivery,
  DeliverySchema,
  type Event,
  EventSchema,
} from "@loom-bridge/protocol/messages";
import { type Codec, codecs } from "./codec.ts";
import type { CallMethod } from "./methods.ts";

/** `up` goes from an agent to the bridge, `down` from the bridge to an agent. */
export type Direction = "up" | "down";

/**
 * What a message is: on a session's stream the name of its case, such as `publishBatch`, `toolRequest`, `receiptBatch`
 * or `eventBatch`; of another call its method, such as `getInfo` or `savePlanIfNew`.
 */
export type FrameKind =
  | NonNullable<ClientEvent["event"]["case"]>
  | NonNullable<Delivery["delivery"]["case"]>
  | (string & {});

/** One message that crosses a link. It is decoded only when somebody asks. */
export class Frame {
  /** The link's name: the agent's id. */
  readonly link: string;
  readonly direction: Direction;
  readonly method: CallMethod;
  /** What the bytes are. */
  readonly codec: Codec;
  /** Counts the calls of the world. */
  readonly call: number;
  /** Milliseconds since the world began. */
  readonly sentMs: number;
  readonly bytes: Uint8Array;
  /** What became of it. Default: it is under way, or arrived. */
  outcome = "";
  arrivedMs: number | undefined;
  #message: Message | undefined;
  #isDecoded = false;

  constructor(frame: Pick<Frame, "link" | "direction" | "method" | "codec" | "call" | "sentMs" | "bytes">) {
    this.link = frame.link;
    this.direction = frame.direction;
    this.method = frame.method;
    this.codec = frame.codec;
    this.call = frame.call;
    this.sentMs = frame.sentMs;
    this.bytes = frame.bytes;
  }

  /** The message, or nothing when the bytes are none. */
  get message(): Message | undefined {
    if (!this.#isDecoded) this.#message = decode(this.codec, this.#schema, this.bytes);
    this.#isDecoded = true;
    return this.#message;
  }

  get kind(): FrameKind {
    const { message } = this;
    if (message === undefined) return "unreadable";
    if (message.$typeName === ClientEventSchema.typeName) return (message as ClientEvent).event.case ?? "unknown";
    if (message.$typeName === DeliverySchema.typeName) return (message as Delivery).delivery.case ?? "unknown";
    return this.method.name;
  }

  /** What the message says, without the case around it. */
  get body(): Message | undefined {
    const { message } = this;
    if (message?.$typeName === ClientEventSchema.typeName) return (message as ClientEvent).event.value;
    if (message?.$typeName === DeliverySchema.typeName) return (message as Delivery).delivery.value;
    return message;
  }

  /** The events that it carries, with their topics. */
  get events(): readonly { topic: string; event: Event | undefined }[] {
    const body = this.body as { topic?: string; event?: Event; items?: Carried[]; events?: Carried[] } | undefined;
    const many = body?.items ?? body?.events;
    if (many !== undefined)
      return many.map(({ topic, event }) => ({ topic, event: decode(codecs.proto, EventSchema, event) }));
    return body?.topic === undefined ? [] : [{ topic: body.topic, event: body.event }];
  }

  get #schema(): DescMessage | undefined {
    return this.direction === "up" ? this.method.input : this.method.output;
  }
}

interface Carried {
  readonly topic: string;
  readonly event: Uint8Array;
}

function decode<Desc extends DescMessage>(codec: Codec, schema: Desc | undefined, bytes: Uint8Array) {
  try {
    return schema === undefined ? undefined : codec.decode(schema, bytes);
  } catch {
    // A message that a fault has damaged is shown as bytes.
    return undefined;
  }
}
