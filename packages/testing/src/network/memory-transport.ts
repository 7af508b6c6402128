import type {
  DescMessage,
  DescMethod,
  DescMethodStreaming,
  DescMethodUnary,
  MessageInitShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type StreamResponse, type Transport, type UnaryResponse } from "@connectrpc/connect";
import { requestHeader } from "@connectrpc/connect/protocol-grpc";
import type { Call } from "./call.ts";
import { ClientCall, encode } from "./client-call.ts";
import type { Codec } from "./codec.ts";
import { putDeadline } from "./deadline.ts";

export interface MemoryTransportOptions {
  readonly codec: Codec;
  /** Opens a call to a path. */
  readonly open: (path: string) => Call;
}

/**
 * gRPC over a link of a world: real messages in bytes, headers and trailers, and no stream of Connect's. The bridge
 * keeps the deadlines, and the client its own: Connect's are on the clock of the process.
 */
export function createMemoryTransport({ codec, open }: MemoryTransportOptions): Transport {
  function openCall<Input extends DescMessage, Output extends DescMessage>(
    { parent, name, input, output }: DescMethod & { readonly input: Input; readonly output: Output },
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    given: HeadersInit | undefined,
  ): ClientCall<Input, Output> {
    const headers = requestHeader(codec.name === "proto", undefined, given);
    putDeadline(headers, timeoutMs);
    return new ClientCall({ call: open(`/${parent.typeName}/${name}`), codec, input, output, headers, signal });
  }

  return {
    async unary<Input extends DescMessage, Output extends DescMessage>(
      method: DescMethodUnary<Input, Output>,
      signal: AbortSignal | undefined,
      timeoutMs: number | undefined,
      given: HeadersInit | undefined,
      message: MessageInitShape<Input>,
    ): Promise<UnaryResponse<Input, Output>> {
      const bytes = encode(codec, method.input, message);
      const call = openCall(method, signal, timeoutMs, given);
      call.sayOnce(bytes);
      const header = await call.header;
      const answer = await call.next();
      if (answer.done === true) throw new ConnectError("protocol error: missing output message", Code.Unimplemented);
      if ((await call.next()).done !== true) {
        await call.return();
        throw new ConnectError("protocol error: extra output message", Code.Unimplemented);
      }
      return { stream: false, service: method.parent, method, header, message: answer.value, trailer: call.trailer };
    },
    async stream<Input extends DescMessage, Output extends DescMessage>(
      method: DescMethodStreaming<Input, Output>,
      signal: AbortSignal | undefined,
      timeoutMs: number | undefined,
      given: HeadersInit | undefined,
      messages: AsyncIterable<MessageInitShape<Input>>,
    ): Promise<StreamResponse<Input, Output>> {
      const call = openCall(method, signal, timeoutMs, given);
      void call.sayAll(messages);
      const header = await call.header;
      return { stream: true, service: method.parent, method, header, message: call, trailer: call.trailer };
    },
  };
}
