import { toBinary } from "@bufbuild/protobuf";
import { type Delivery, DeliverySchema, Feature } from "@loom-bridge/protocol/messages";
import { EnvelopeWriter, writeToolFrame } from "@loom-bridge/protocol/wire";
import type { SessionEvents } from "../../domain/session/session.ts";
import type { MessageStream } from "../../listener/message-stream.ts";
import { fromControlFrame, fromGap } from "../delivery-mapping.ts";
import type { AgentStream, AgentStreamOptions } from "./agent-stream.ts";
import type { EventEncoder } from "./event-encoder.ts";
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
    this.#stream.wake();
  }

  /** Writes what there is to say now, as fast as the client reads; returns whether there was something. */
  async writeAll({ session, features, ack }: OpenedSession): Promise<boolean> {
    let wrote = false;
    if (!this.#greeted) this.#message(ack);
    this.#greeted = true;
    const nowMs = this.#options.runtime.now();
    for (const frame of session.takeControl()) {
      const delivery = fromControlFrame(frame, features, nowMs);
      if (delivery !== undefined) this.#message(delivery);
      if (this.#writer.length >= writeBytes) wrote = await this.#flush();
    }
    for (const taken of session.takeEvents()) {
      const gap = fromGap(taken, features);
      if (gap !== undefined) this.#message(gap);
      if (features.has(Feature.BATCHES)) this.#batch(taken);
      else wrote = (await this.#plainEvents(taken)) || wrote;
      if (this.#writer.length >= writeBytes) wrote = await this.#flush();
    }
    return this.#writer.length > 0 ? await this.#flush() : wrote;
  }

  #batch({ subscriptionId, firstSequence, attempt, events }: SessionEvents): void {
    if (events.length === 0) return;
    this.#encoder.eventBatch(this.#writer, { subscription: subscriptionId, firstSequence, attempt, events });
  }

  async #plainEvents({ events }: SessionEvents): Promise<boolean> {
    let wrote = false;
    for (const event of events) {
      if (!this.#encoder.event(this.#writer, event)) {
        this.#options.logger.debug("an event is none and was passed over", {
          topic: event.topic,
          sender: event.sender,
        });
      }
      if (this.#writer.length >= writeBytes) wrote = await this.#flush();
    }
    return wrote;
  }

  #message(delivery: Delivery): void {
    const said = delivery.delivery;
    const isTool = said.case === "toolRequest" || said.case === "toolResponse";
    if (isTool && writeToolFrame(this.#writer, said)) return;
    const bytes = toBinary(DeliverySchema, delivery);
    this.#writer.begin(bytes.length);
    this.#writer.bytes(bytes);
  }

  async #flush(): Promise<true> {
    this.#hasRoom = this.#wire.write(this.#writer.take());
    // The rest of a stream that has ended is little, and its client has not for ever to read it.
    while (!this.#hasRoom && this.#stream.ended === undefined) await this.#stream.ready();
    return true;
  }
}
