import { create } from "@bufbuild/protobuf";
import { LoomError, type Runtime, systemRuntime } from "@loom-bridge/protocol";
import { type Event, EventSchema } from "@loom-bridge/protocol/messages";
import { copyBytes } from "../wire/event-bytes.ts";
import type { EventFields } from "../wire/event-fields.ts";
import { createEvent, writeMetadata } from "./create-event.ts";
import { type EnvelopeMetadata, readEnvelopeMetadata } from "./envelope-metadata.ts";
import type { EventChain } from "./event-chain.ts";
import type { EventInit } from "./event-init.ts";
import { decodeText } from "./payload.ts";

/** How an event reached this agent. */
export interface Routing {
  topic?: string;
  /** The publisher as the bridge knows it. */
  sender?: string;
  sequence?: number;
  offset?: number;
  attempt?: number;
  key?: string;
  chain?: EventChain | undefined;
}

/** The author's view of an event: its fields, and what its metadata says about thread, reply and trace. */
export class Envelope {
  readonly id: string;
  readonly type: string;
  readonly timestampMs: number;
  readonly source: string;
  /** Small ones share a `buffer` with others: whoever reads that one minds `byteOffset` and `byteLength`. */
  readonly payload: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
  readonly confidence: number;
  readonly tags: readonly string[];
  readonly priority: number;
  readonly threadId: string | undefined;
  readonly correlationId: string | undefined;
  readonly replyTo: string | undefined;
  readonly sender: string | undefined;
  readonly ttlMs: number | undefined;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly traceFlags: number | undefined;
  /** The topic it was delivered on; empty for an event of our own. */
  readonly topic: string;
  /** Its number in its subscription; 0 for an event of our own. */
  readonly sequence: number;
  /** Its place in the bridge's log; 0 for an event of our own, or when the topic is not kept. */
  readonly offset: number;
  /** Which delivery of the event this is, counted from 1; 0 for an event of our own. */
  readonly attempt: number;
  /** What it is a newer value of; empty: of its topic. */
  readonly key: string;
  /** The chain of events and calls that led to it. */
  readonly chain: EventChain | undefined;

  private constructor(event: EventFields, payload: Uint8Array, said: EnvelopeMetadata, routing: Routing) {
    this.id = event.id;
    this.type = event.type;
    this.timestampMs = Number(event.timestampMs);
    this.source = event.source;
    this.payload = payload;
    this.metadata = { ...event.metadata };
    this.confidence = event.confidence;
    this.tags = event.tags;
    this.priority = event.priority;
    this.threadId = said.threadId;
    this.correlationId = said.correlationId;
    this.replyTo = said.replyTo;
    this.sender = routing.sender || said.sender;
    this.ttlMs = said.ttlMs;
    this.traceId = said.traceId;
    this.spanId = said.spanId;
    this.traceFlags = said.traceFlags;
    this.topic = routing.topic ?? "";
    this.sequence = routing.sequence ?? 0;
    this.offset = routing.offset ?? 0;
    this.attempt = routing.attempt ?? 0;
    this.key = routing.key ?? "";
    this.chain = routing.chain;
  }

  /** Makes an event of our own. What its metadata says already wins over the fields beside it. */
  static create(init: EventInit, runtime: Runtime = systemRuntime): Envelope {
    const event = createEvent(init, runtime);
    const { sender = "", key = "", chain } = init;
    const said = readEnvelopeMetadata(event.metadata);
    return new Envelope(event, copyBytes(event.payload), said, { sender, key, chain });
  }

  /** Reads an event. The payload is copied, so that keeping it does not keep the message that it came in. */
  static fromProto(event: Event, routing: Routing = {}): Envelope {
    return new Envelope(event, copyBytes(event.payload), readEnvelopeMetadata(event.metadata), routing);
  }

  /**
   * Makes an envelope of what was decoded: its payload is ours already, its metadata may be that of others, too.
   * @internal
   */
  static ofFields(event: EventFields, said: EnvelopeMetadata, routing: Routing): Envelope {
    return new Envelope(event, event.payload, said, routing);
  }

  toProto(): Event {
    const { id, type, source, payload, confidence, priority } = this;
    const metadata = writeMetadata(this);
    const timestampMs = BigInt(this.timestampMs);
    const tags = [...this.tags];
    return create(EventSchema, { id, type, timestampMs, source, metadata, payload, confidence, tags, priority });
  }

  /** The payload as UTF-8 text. */
  text(): string {
    return decodeText(this.payload);
  }

  /** @throws LoomError `invalid_argument` when the payload is no JSON. */
  json(): unknown {
    try {
      return JSON.parse(this.text());
    } catch (cause) {
      throw new LoomError("invalid_argument", `the payload of event ${JSON.stringify(this.id)} is no JSON`, { cause });
    }
  }
}
