import type { DescMessage, DescMethodStreaming, MessageInitShape } from "@bufbuild/protobuf";
import type { ContextValues, StreamResponse, Transport } from "@connectrpc/connect";
import { requestHeader } from "@connectrpc/connect/protocol-grpc";
import type { Http2SessionManager } from "@connectrpc/connect-node";
import { BridgeService, type ClientEventSchema, type DeliverySchema } from "@loom-bridge/protocol/messages";
import { AgentCall } from "./agent-call.ts";

export interface StreamTransportOptions {
  /** Makes every call but those of agents' streams. */
  readonly transport: Transport;
  readonly sessionManager: Pick<Http2SessionManager, "request" | "notifyResponseByteRead">;
}

const { stream: agentStream } = BridgeService.method;

/**
 * A gRPC transport on which agents' streams pass by Connect, whose iterators cost more than everything else that a
 * message needs. What goes over the wire is the same.
 */
export function createStreamTransport({ transport, sessionManager }: StreamTransportOptions): Transport {
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
      onRead: (stream) => sessionManager.notifyResponseByteRead(stream),
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
    unary: transport.unary.bind(transport),
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
