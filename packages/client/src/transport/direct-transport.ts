import type { ClientHttp2Stream } from "node:http2";
import type { DescMessage, DescMethodStreaming, MessageInitShape } from "@bufbuild/protobuf";
import type { ContextValues, StreamResponse, Transport } from "@connectrpc/connect";
import { requestHeader } from "@connectrpc/connect/protocol-grpc";
import type { Http2SessionManager } from "@connectrpc/connect-node";
import { BridgeService, type ClientEventSchema, type DeliverySchema } from "@loom-bridge/protocol/messages";
import { AgentCall } from "./agent-call.ts";
import { toHeaders } from "./grpc-response.ts";
import { callOnce } from "./unary-call.ts";

export interface DirectTransportOptions {
  /** Makes the other streaming calls. */
  readonly transport: Transport;
  /** Not told of what is read: only its pings would ask for that, and there are none. */
  readonly sessionManager: Pick<Http2SessionManager, "request">;
}

const { stream: agentStream } = BridgeService.method;

/**
 * A gRPC transport on which agents' streams and unary calls pass by Connect, whose iterators cost more than everything
 * else that a message needs. What goes over the wire is the same.
 */
export function createDirectTransport({ transport, sessionManager }: DirectTransportOptions): Transport {
  const path = `/${BridgeService.typeName}/${agentStream.name}`;

  async function openAgentStream(
    signal: AbortSignal | undefined,
    header: HeadersInit | undefined,
    input: AsyncIterable<MessageInitShape<typeof ClientEventSchema>>,
  ): Promise<StreamResponse<typeof ClientEventSchema, typeof DeliverySchema>> {
    const headers = Object.fromEntries(requestHeader(true, undefined, header));
    const call = new AgentCall({
      open: () => sessionManager.request("POST", path, headers, {}),
      input,
      signal,
    });
    return {
      stream: true,
      service: BridgeService,
      method: agentStream,
      header: await call.header,
      message: call,
      trailer: call.trailer,
    };
  }

  return {
    async unary(method, signal, timeoutMs, header, message) {
      const headers = Object.fromEntries(requestHeader(true, timeoutMs === 0 ? undefined : timeoutMs, header));
      const path = `/${method.parent.typeName}/${method.name}`;
      const { input, output } = method;
      const open = (): Promise<ClientHttp2Stream> => sessionManager.request("POST", path, headers, {});
      const answer = await callOnce({ open, input, output, message, signal });
      return {
        stream: false,
        service: method.parent,
        method,
        message: answer.message,
        get header() {
          return toHeaders(answer.header);
        },
        get trailer() {
          return toHeaders(answer.trailer);
        },
      };
    },
    stream<Input extends DescMessage, Output extends DescMessage>(
      method: DescMethodStreaming<Input, Output>,
      signal: AbortSignal | undefined,
      timeoutMs: number | undefined,
      header: HeadersInit | undefined,
      input: AsyncIterable<MessageInitShape<Input>>,
      contextValues?: ContextValues,
    ): Promise<StreamResponse<Input, Output>> {
      if (method.parent.typeName !== BridgeService.typeName || method.name !== agentStream.name || timeoutMs !== 0) {
        return transport.stream(method, signal, timeoutMs, header, input, contextValues);
      }
      return openAgentStream(signal, header, input as AsyncIterable<never>) as unknown as Promise<
        StreamResponse<Input, Output>
      >;
    },
  };
}
