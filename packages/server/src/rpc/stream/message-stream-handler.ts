import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { LoomError, type Runtime } from "@loom-bridge/protocol";
import {
  type ClientEvent,
  ClientEventSchema,
  type Delivery,
  DeliverySchema,
  Feature,
} from "@loom-bridge/protocol/messages";
import type { SessionEvents } from "../../domain/session/session.ts";
import type { MessageReceiver, MessageStream, MessageStreamHandler } from "../../listener/message-stream.ts";
import { toConnectError } from "../connect-error.ts";
import { fromControlFrame, fromGap } from "../delivery-mapping.ts";
import { AgentStream, type AgentStreamOptions } from "./agent-stream.ts";
import { EnvelopeWriter } from "./envelope-writer.ts";
import { EventEncoder } from "./event-encoder.ts";
import type { OpenedSession } from "./open-session.ts";
import { PublishDecoder } from "./publish-decoder.ts";

/** What is written at once. More waits less often for the network, and takes more memory of a client that is slow. */
const writeBytes = 131_072;

/** Serves `BridgeService.Stream` on a listener's message streams, with one write for all that a tick produced. */
export function createMessageStreamHandler(options: AgentStreamOptions): MessageStreamHandler {
  const encoder = new EventEncoder();
  return (wire) => {
    const carrier = new Carrier(wire, encoder, options);
    void carrier.write();
    return carrier;
  };
}

class Carrier implements MessageReceiver {
  readonly #wire: MessageStream;
  readonly #encoder: EventEncoder;
  readonly #options: AgentStreamOptions;
  readonly #stream: AgentStream;
  readonly #writer: EnvelopeWriter;
  #decoder: PublishDecoder | undefined;
  #greeted = false;
  #hasRoom = true;

  constructor(wire: MessageStream, encoder: EventEncoder, options: AgentStreamOptions) {
    this.#wire = wire;
    this.#encoder = encoder;
    this.#options = options;
    this.#stream = new AgentStream(options);
    this.#writer = new EnvelopeWriter(wire.writeMaxBytes);
  }

  onMessage(message: Uint8Array): void {
    try {
      if (!this.#publish(message)) this.#stream.receive(parse(message));
    } catch (error) {
      this.#stream.fail(LoomError.isInstance(error) ? error : toConnectError(error, this.#options.logger));
    }
    const calm = this.#stream.readyForMore();
    if (calm === undefined) return;
    this.#wire.pause();
    void calm.then(() => this.#wire.resume());
  }

  onEnd(): void {
    void this.#stream.receiveEnd();
  }

  onDrain(): void {
    this.#hasRoom = true;
    this.#stream.wake();
  }

  onAbort(reason: ConnectError): void {
    this.#stream.fail(reason);
  }

  /** Writes until the stream has ended. Never rejects: what goes wrong ends the stream. */
  async write(): Promise<void> {
    try {
      for (;;) {
        // Asked for first: what the session said before it ended is still to be written.
        const { ended, opened } = this.#stream;
        const wrote = opened !== undefined && (await this.#writeAll(opened));
        if (ended !== undefined) break;
        if (wrote) continue;
        await this.#stream.ready();
        // One write for everything that this tick brings. The greeting need not wait.
        if (this.#greeted && this.#stream.ended === undefined) await nextTick(this.#options.runtime);
      }
    } catch (error) {
      this.#stream.fail(error);
    }
    this.#wire.end(this.#stream.ended?.error);
  }

  /** Takes the messages that are most of the traffic; returns false for the others. */
  #publish(message: Uint8Array): boolean {
    const { session } = this.#stream;
    if (session === undefined) return false;
    this.#decoder ??= new PublishDecoder(session.agentId);
    const decoded = this.#decoder.decode(message);
    if (decoded === undefined) return false;
    session.heard();
    const { ref, events } = decoded;
    for (const [index, event] of events.entries()) session.publish(ref === 0 ? 0 : ref + index, event);
    return true;
  }

  /** Writes what there is to say now; returns whether there was something. */
  async #writeAll({ session, features, ack }: OpenedSession): Promise<boolean> {
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

function nextTick(runtime: Runtime): Promise<void> {
  return new Promise((resolve) => runtime.defer(resolve));
}

function parse(message: Uint8Array): ClientEvent {
  try {
    return fromBinary(ClientEventSchema, message);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConnectError(`parse binary: ${reason}`, Code.Internal);
  }
}
