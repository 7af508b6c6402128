import { toBinary } from "@bufbuild/protobuf";
import { type Delivery, DeliverySchema, Feature } from "@loom-bridge/protocol/messages";
import { EnvelopeWriter, writeToolFrame } from "@loom-bridge/protocol/wire";
import type { ControlFrame } from "../../domain/session/control-frame.ts";
import type { SessionEvents } from "../../domain/session/session.ts";
import type { MessageStream } from "../../listener/message-stream.ts";
import { type Features, fromControlFrame, fromGap } from "../delivery-mapping.ts";
import type { AgentStream, AgentStreamOptions } from "./agent-stream.ts";
import type { EventEncoder } from "./event-encoder.ts";
import { writeHeartbeatAck } from "./heartbeat-codec.ts";
import type { OpenedSession } from "./open-session.ts";

/** What is written at once. More waits less often for the network, and takes more memory of a client that is slow. */
const writeBytes = 131_072;

/** Writes what one session has to say, in few and large pieces. */
export class DeliveryWriter {
  readonly #wire: MessageStream;
  readonly #stream: AgentStream;
  readonly #encoder: EventEncoder;
  readonly #options: AgentStreamOptions;
  readonly #writer: EnvelopeWriter;
  /** What was taken and is not encoded yet: goes on at each step until there is enough for a write. */
  #work: Iterator<void> | undefined;
  /** Of events, only a share is taken at a time; of all else, everything. */
  #mayBeMore = false;
  #greeted = false;
  #hasRoom = true;

  constructor(wire: MessageStream, stream: AgentStream, encoder: EventEncoder, options: AgentStreamOptions) {
    this.#wire = wire;
    this.#stream = stream;
    this.#encoder = encoder;
    this.#options = options;
    this.#writer = new EnvelopeWriter(wire.writeMaxBytes);
  }

  /** Whether the session has been acknowledged. */
  get greeted(): boolean {
    return this.#greeted;
  }

  /** The client reads again. */
  goOn(): void {
    this.#hasRoom = true;
  }

  /** Writes what there is to say now, as fast as the client reads; returns whether that was all. */
  write({ session, features, ack }: OpenedSession): boolean {
    if (!this.#greeted) this.#message(ack);
    this.#greeted = true;
    // The rest of a stream that has ended is little, and its client has not for ever to read it.
    while (this.#hasRoom || this.#stream.ended !== undefined) {
      if (this.#work === undefined) {
        const frames = session.takeControl();
        const events = session.takeEvents();
        this.#mayBeMore = events.length > 0;
        const [frame] = frames;
        const isOne = frames.length + events.length === 1 && frame !== undefined;
        if (isOne) this.#frame(frame, features, this.#options.runtime.now());
        else this.#work = this.#encode(frames, events, features);
      }
      if (this.#work?.next().done === true) this.#work = undefined;
      if (this.#writer.length > 0) this.#hasRoom = this.#wire.write(this.#writer.take());
      if (this.#work === undefined && !this.#mayBeMore) return true;
    }
    return false;
  }

  *#encode(frames: readonly ControlFrame[], events: readonly SessionEvents[], features: Features): Generator<void> {
    const nowMs = this.#options.runtime.now();
    for (const frame of frames) {
      this.#frame(frame, features, nowMs);
      if (this.#writer.length >= writeBytes) yield;
    }
    for (const taken of events) {
      const gap = fromGap(taken, features);
      if (gap !== undefined) this.#message(gap);
      if (features.has(Feature.BATCHES)) this.#batch(taken);
      else yield* this.#plainEvents(taken);
      if (this.#writer.length >= writeBytes) yield;
    }
  }

  #batch({ subscriptionId, firstSequence, attempt, events }: SessionEvents): void {
    if (events.length === 0) return;
    this.#encoder.eventBatch(this.#writer, { subscription: subscriptionId, firstSequence, attempt, events });
  }

  *#plainEvents({ events }: SessionEvents): Generator<void> {
    for (const event of events) {
      if (!this.#encoder.event(this.#writer, event)) {
        this.#options.logger.debug("an event is none and was passed over", {
          topic: event.topic,
          sender: event.sender,
        });
      }
      if (this.#writer.length >= writeBytes) yield;
    }
  }

  #frame(frame: ControlFrame, features: Features, nowMs: number): void {
    if (frame.kind === "heartbeat-ack" && features.has(Feature.NOTICES)) {
      if (writeHeartbeatAck(this.#writer, frame.timestampMs, Math.floor(nowMs))) return;
    }
    const delivery = fromControlFrame(frame, features, nowMs);
    if (delivery !== undefined) this.#message(delivery);
  }

  #message(delivery: Delivery): void {
    const said = delivery.delivery;
    const isTool = said.case === "toolRequest" || said.case === "toolResponse";
    if (isTool && writeToolFrame(this.#writer, said)) return;
    const bytes = toBinary(DeliverySchema, delivery);
    this.#writer.begin(bytes.length);
    this.#writer.bytes(bytes);
  }
}
