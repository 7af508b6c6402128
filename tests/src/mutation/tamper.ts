import {
  create,
  type DescMessage,
  type DescMethodStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import {
  BridgeService,
  type ClientEvent,
  ClientEventSchema,
  type Delivery,
  DeliverySchema,
} from "@loom-bridge/protocol/messages";
import { MessageQueue } from "./message-queue.ts";

type Say = NonNullable<MessageInitShape<typeof ClientEventSchema>["event"]>;

/** A session's stream on its way through a bridge with a defect. */
export class TamperedStream {
  readonly toBridge: MessageQueue<ClientEvent> = new MessageQueue();
  readonly toAgent: MessageQueue<Delivery> = new MessageQueue();
  agentId = "";

  /** Has the bridge hear what its agent did not say. */
  sayToBridge(event: Say): void {
    this.toBridge.put(create(ClientEventSchema, { event }));
  }
}

/** What a defect does with what passes. Whatever it does not mention passes as it is. */
export interface Defective {
  onEvent?(event: ClientEvent, stream: TamperedStream): ClientEvent[];
  onDelivery?(delivery: Delivery, stream: TamperedStream): Delivery[];
  /** Returns whether the agent is told. */
  onEnd?(stream: TamperedStream, error: unknown): boolean;
  /** Answers a unary call in the bridge's place; with nothing, the bridge does. */
  onCall?(call: UnaryCall): Promise<MessageShape<DescMessage> | undefined>;
}

export interface UnaryCall {
  readonly name: string;
  readonly input: MessageInitShape<DescMessage>;
  /** Asks the real bridge. */
  ask<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    input: MessageInitShape<Input>,
  ): Promise<MessageShape<Output>>;
}

/** Puts a defect between a bridge and its clients, so that together they behave like a bridge that has it. */
export function tamper(transport: Transport, defective: Defective): Transport {
  return {
    async unary(method, signal, timeoutMs, header, input, values) {
      const ask: UnaryCall["ask"] = async (askedMethod, askedInput) =>
        (await transport.unary(askedMethod, signal, timeoutMs, header, askedInput, values)).message;
      const answer = await defective.onCall?.({ name: method.localName, input, ask });
      if (answer === undefined) return transport.unary(method, signal, timeoutMs, header, input, values);
      const message = create(method.output, answer as MessageInitShape<typeof method.output>);
      return { stream: false, service: method.parent, method, header: new Headers(), trailer: new Headers(), message };
    },
    async stream<Input extends DescMessage, Output extends DescMessage>(
      method: DescMethodStreaming<Input, Output>,
      ...[signal, timeoutMs, header, input, values]: StreamRest<Input>
    ) {
      if (method.name !== BridgeService.method.stream.name) {
        return transport.stream(method, signal, timeoutMs, header, input, values);
      }
      const stream = new TamperedStream();
      void passEvents(input as unknown as AsyncIterable<MessageInitShape<typeof ClientEventSchema>>, stream, defective);
      const toBridge = stream.toBridge as unknown as AsyncIterable<MessageInitShape<Input>>;
      const response = await transport.stream(method, signal, timeoutMs, header, toBridge, values);
      void passDeliveries(response.message as unknown as AsyncIterable<Delivery>, stream, defective);
      return { ...response, message: stream.toAgent as unknown as AsyncIterable<MessageShape<Output>> };
    },
  };
}

type StreamRest<Input extends DescMessage> = [
  signal: AbortSignal | undefined,
  timeoutMs: number | undefined,
  header: HeadersInit | undefined,
  input: AsyncIterable<MessageInitShape<Input>>,
  values?: Parameters<Transport["stream"]>[5],
];

async function passEvents(
  events: AsyncIterable<MessageInitShape<typeof ClientEventSchema>>,
  stream: TamperedStream,
  defective: Defective,
): Promise<void> {
  for await (const init of events) {
    const event = create(ClientEventSchema, init);
    if (event.event.case === "register") stream.agentId = event.event.value.agentId;
    stream.toBridge.put(...(defective.onEvent?.(event, stream) ?? [event]));
  }
  stream.toBridge.end();
}

async function passDeliveries(
  deliveries: AsyncIterable<Delivery>,
  stream: TamperedStream,
  defective: Defective,
): Promise<void> {
  try {
    for await (const delivery of deliveries) {
      stream.toAgent.put(...(defective.onDelivery?.(create(DeliverySchema, delivery), stream) ?? [delivery]));
    }
    if (defective.onEnd?.(stream, undefined) ?? true) stream.toAgent.end();
  } catch (error) {
    if (defective.onEnd?.(stream, error) ?? true) stream.toAgent.end({ error });
  }
}
