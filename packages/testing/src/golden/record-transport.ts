import {
  create,
  type DescMessage,
  type DescMethodStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import type { Transcript } from "./transcript.ts";

/**
 * Writes down all that goes over a transport, whatever it leads to: a bridge in memory or a real one.
 *
 *     const transcript = new Transcript();
 *     const client = new BridgeClient({ transport: recordTransport(transport, transcript, "desk") });
 */
export function recordTransport(transport: Transport, transcript: Transcript, link: string): Transport {
  return {
    async unary<Input extends DescMessage, Output extends DescMessage>(
      method: DescMethodUnary<Input, Output>,
      ...[signal, timeoutMs, header, input, values]: Rest<MessageInitShape<Input>>
    ) {
      const call = transcript.open(link, method);
      const message = create(method.input, input);
      transcript.add(call, "up", toBinary(method.input, message));
      const response = await transport.unary(method, signal, timeoutMs, header, input, values);
      transcript.add(call, "down", toBinary(method.output, response.message));
      return response;
    },
    async stream<Input extends DescMessage, Output extends DescMessage>(
      method: DescMethodStreaming<Input, Output>,
      ...[signal, timeoutMs, header, input, values]: Rest<AsyncIterable<MessageInitShape<Input>>>
    ) {
      const call = transcript.open(link, method);
      const recorded = tap(input, (init) => {
        transcript.add(call, "up", toBinary(method.input, create(method.input, init)));
      });
      const response = await transport.stream(method, signal, timeoutMs, header, recorded, values);
      const message = tap(response.message, (heard: MessageShape<Output>) => {
        transcript.add(call, "down", toBinary(method.output, heard));
      });
      return { ...response, message };
    },
  };
}

type Rest<Message> = [
  signal: AbortSignal | undefined,
  timeoutMs: number | undefined,
  header: HeadersInit | undefined,
  input: Message,
  values?: Parameters<Transport["unary"]>[5],
];

/** The same messages, each shown to somebody first. Whoever gives up is passed on to the source. */
function tap<Message>(
  source: AsyncIterable<Message>,
  show: (message: Message) => void,
): AsyncIterableIterator<Message> {
  const inner = source[Symbol.asyncIterator]();
  return {
    async next() {
      const result = await inner.next();
      if (result.done !== true) show(result.value);
      return result;
    },
    async return(value?: unknown) {
      await inner.return?.(value);
      return { done: true, value: undefined };
    },
    async throw(error?: unknown) {
      if (inner.throw !== undefined) return inner.throw(error);
      await inner.return?.();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** A message of a transcript, as it was. */
export function readRecorded<Desc extends DescMessage>(schema: Desc, bytes: string): MessageShape<Desc> {
  return fromBinary(schema, Buffer.from(bytes, "base64"));
}
