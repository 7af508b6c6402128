import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { LoomError } from "@loom-bridge/protocol";
import { type ClientEvent, ClientEventSchema } from "@loom-bridge/protocol/messages";
import { ToolFrameReader } from "@loom-bridge/protocol/wire";
import type { Access } from "../../domain/access/access.ts";
import type { Verdict } from "../../domain/bus/settlement.ts";
import type { Session } from "../../domain/session/session.ts";
import type { MessageReceiver, MessageStream, MessageStreamHandler } from "../../listener/message-stream.ts";
import { countElements } from "../../wire/count-elements.ts";
import { messageLimits } from "../../wire/message-limits.ts";
import { toConnectError } from "../connect-error.ts";
import { readAcknowledged } from "./acknowledged-reader.ts";
import { AgentStream, type AgentStreamOptions } from "./agent-stream.ts";
import { DeliveryWriter } from "./delivery-writer.ts";
import { EventEncoder } from "./event-encoder.ts";
import { readHeartbeat } from "./heartbeat-codec.ts";
import { mayPublish, PublishDecoder } from "./publish-decoder.ts";

const acknowledge: Verdict = { kind: "acknowledge" };

/** Serves `BridgeService.Stream` on a listener's message streams, with one write for all that a tick produced. */
export function createMessageStreamHandler(options: AgentStreamOptions): MessageStreamHandler {
  const encoder = new EventEncoder();
  return (wire, access) => new Carrier(wire, access, encoder, options);
}

class Carrier implements MessageReceiver {
  readonly #wire: MessageStream;
  readonly #options: AgentStreamOptions;
  readonly #stream: AgentStream;
  readonly #writer: DeliveryWriter;
  /** Both made when they are needed: most agents of a large bridge are idle. */
  #tools: ToolFrameReader | undefined;
  #decoder: PublishDecoder | undefined;
  #isScheduled = false;
  #isNext = false;
  #isOver = false;

  constructor(wire: MessageStream, access: Access, encoder: EventEncoder, options: AgentStreamOptions) {
    this.#wire = wire;
    this.#options = options;
    this.#stream = new AgentStream(options, access, (isUrgent) => this.#writeSoon(isUrgent));
    this.#writer = new DeliveryWriter(wire, this.#stream, encoder, options);
  }

  onMessage(message: Uint8Array): void {
    try {
      const { session } = this.#stream;
      if (session === undefined || !this.#take(session, message)) this.#stream.receive(this.#read(message));
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
    this.#writer.goOn();
    this.#write();
  }

  onAbort(reason: ConnectError): void {
    this.#stream.fail(reason);
  }

  /**
   * One write for everything that this tick brings. What is urgent, the greeting and the end go out when all promises have
   * settled: the tick's end is a turn of the event loop later, and Node writes a turn after that. An end that comes when a
   * write is due goes with it.
   */
  #writeSoon(isUrgent = false): void {
    // Said of every event: what comes after the first is written with it.
    if ((this.#isScheduled && !isUrgent) || this.#isOver) return;
    if (isUrgent || !this.#writer.greeted || this.#stream.ended !== undefined) {
      if (!this.#isNext) this.#writeNext();
    } else this.#writeAtEnd();
  }

  #writeNext(): void {
    this.#isNext = true;
    process.nextTick(() => {
      this.#isNext = false;
      this.#write();
    });
  }

  #writeAtEnd(): void {
    this.#isScheduled = true;
    this.#options.runtime.defer(() => {
      this.#isScheduled = false;
      this.#write();
    });
  }

  /** Never throws: what goes wrong ends the stream. */
  #write(): void {
    if (this.#isOver) return;
    // Asked for first: what the session said before it ended is still to be written.
    const { ended, opened } = this.#stream;
    try {
      const isAll = opened === undefined || this.#writer.write(opened);
      if (isAll) opened?.session.nothingLeft();
      if (ended === undefined) return;
    } catch (error) {
      this.#stream.fail(error);
    }
    this.#isOver = true;
    this.#wire.end(this.#stream.ended?.error);
  }

  /** Takes the messages that are most of the traffic; returns false for the others. */
  #take(session: Session, message: Uint8Array): boolean {
    const heartbeatMs = readHeartbeat(message);
    if (heartbeatMs !== undefined) {
      session.heard();
      session.heartbeat(heartbeatMs);
      return true;
    }
    const acknowledged = readAcknowledged(message);
    if (acknowledged !== undefined) {
      session.heard();
      const { subscription, sequences } = acknowledged;
      for (const sequence of sequences) session.settle(subscription, sequence, acknowledge);
      return true;
    }
    if (!mayPublish(message)) return false;
    this.#decoder ??= new PublishDecoder(session.agentId);
    const decoded = this.#decoder.decode(message);
    if (decoded === undefined) return false;
    session.heard();
    session.publish(decoded.ref, decoded.events);
    return true;
  }

  #read(message: Uint8Array): ClientEvent {
    // The first message is no such frame.
    if (this.#stream.opened !== undefined) this.#tools ??= new ToolFrameReader();
    const event = this.#tools?.read(message);
    return event === undefined ? parse(message) : { $typeName: "loom.bridge.v1.ClientEvent", event };
  }
}

function parse(message: Uint8Array): ClientEvent {
  const { elements } = messageLimits;
  if (countElements(ClientEventSchema, message, elements) > elements) {
    const problem = `a message has more than ${elements} fields and entries; send less at once`;
    throw new LoomError("resource_exhausted", problem, {
      details: { limit: "messageElements", value: String(elements) },
    });
  }
  try {
    return fromBinary(ClientEventSchema, message, { readUnknownFields: false });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConnectError(`parse binary: ${reason}`, Code.Internal);
  }
}
