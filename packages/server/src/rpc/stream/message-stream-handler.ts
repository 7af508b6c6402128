import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { LoomError, type Runtime } from "@loom-bridge/protocol";
import { type ClientEvent, ClientEventSchema } from "@loom-bridge/protocol/messages";
import { ToolFrameReader } from "@loom-bridge/protocol/wire";
import type { MessageReceiver, MessageStream, MessageStreamHandler } from "../../listener/message-stream.ts";
import { countElements } from "../../wire/count-elements.ts";
import { messageLimits } from "../../wire/message-limits.ts";
import { toConnectError } from "../connect-error.ts";
import { AgentStream, type AgentStreamOptions } from "./agent-stream.ts";
import { DeliveryWriter } from "./delivery-writer.ts";
import { EventEncoder } from "./event-encoder.ts";
import { PublishDecoder } from "./publish-decoder.ts";

/** Serves `BridgeService.Stream` on a listener's message streams, with one write for all that a tick produced. */
export function createMessageStreamHandler(options: AgentStreamOptions): MessageStreamHandler {
  const encoder = new EventEncoder();
  return (wire, access) => {
    const carrier = new Carrier(wire, new AgentStream(options, access), encoder, options);
    void carrier.write();
    return carrier;
  };
}

class Carrier implements MessageReceiver {
  readonly #wire: MessageStream;
  readonly #options: AgentStreamOptions;
  readonly #stream: AgentStream;
  readonly #writer: DeliveryWriter;
  readonly #tools = new ToolFrameReader();
  #decoder: PublishDecoder | undefined;

  constructor(wire: MessageStream, stream: AgentStream, encoder: EventEncoder, options: AgentStreamOptions) {
    this.#wire = wire;
    this.#options = options;
    this.#stream = stream;
    this.#writer = new DeliveryWriter(wire, this.#stream, encoder, options);
  }

  onMessage(message: Uint8Array): void {
    try {
      if (!this.#publish(message)) this.#stream.receive(this.#read(message));
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
        const wrote = opened !== undefined && (await this.#writer.writeAll(opened));
        if (ended !== undefined) break;
        if (wrote) continue;
        opened?.session.nothingLeft();
        await this.#stream.ready();
        // One write for everything that this tick brings. The greeting need not wait.
        if (this.#writer.greeted && this.#stream.ended === undefined) await nextTick(this.#options.runtime);
      }
    } catch (error) {
      this.#stream.fail(error);
    }
    this.#wire.end(this.#stream.ended?.error);
  }

  #read(message: Uint8Array): ClientEvent {
    const event = this.#tools.read(message);
    return event === undefined ? parse(message) : { $typeName: "loom.bridge.v1.ClientEvent", event };
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
}

function nextTick(runtime: Runtime): Promise<void> {
  return new Promise((resolve) => runtime.defer(resolve));
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
