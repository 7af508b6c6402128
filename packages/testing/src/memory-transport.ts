import { Code, ConnectError, createConnectRouter, type Transport } from "@connectrpc/connect";
import type { UniversalClientFn, UniversalHandler } from "@connectrpc/connect/protocol";
import { createTransport } from "@connectrpc/connect/protocol-grpc";
import { limits } from "@loom-bridge/protocol";
import type { Bridge } from "@loom-bridge/server";
import { createBytePipe } from "./byte-pipe.ts";

export interface MemoryTransportOptions {
  /** How many bytes may be under way in each direction of a call. */
  readonly windowBytes: number;
  /** Ends every call, as a bridge that shuts down does. */
  readonly shutdownSignal: AbortSignal;
}

/**
 * A way to a bridge in this process: gRPC, as over a socket, with real messages in bytes, the same interceptors and
 * limits, and flow control, but no network.
 */
export function createMemoryTransport(bridge: Bridge, options: MemoryTransportOptions): Transport {
  const router = createConnectRouter({
    interceptors: [...bridge.interceptors],
    readMaxBytes: limits.messageBytes,
    writeMaxBytes: limits.messageBytes,
    shutdownSignal: options.shutdownSignal,
  });
  bridge.routes(router);
  return createTransport({
    httpClient: createMemoryClient(router.handlers, options.windowBytes),
    baseUrl: "https://in-memory",
    useBinaryFormat: true,
    interceptors: [],
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: limits.messageBytes,
    readMaxBytes: limits.messageBytes,
    writeMaxBytes: limits.messageBytes,
  });
}

/**
 * Carries a request to its handler and the response back. Connect has such a client, but that one copies the trailers
 * before the handler has written them, and gRPC's status is a trailer.
 */
function createMemoryClient(handlers: readonly UniversalHandler[], windowBytes: number): UniversalClientFn {
  const byPath = new Map(handlers.map((handler) => [handler.requestPath, handler]));
  return async ({ url, method, header, body, signal }) => {
    const handler = byPath.get(new URL(url).pathname);
    if (handler === undefined) throw new ConnectError(`no handler for ${url}`, Code.Unimplemented);
    const cancel = new AbortController();
    const onAbort = (): void => cancel.abort(new ConnectError("the client gave up", Code.Canceled));
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
    const pipe = (source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> =>
      createBytePipe(source, { windowBytes, signal: cancel.signal });
    const response = await handler({
      httpVersion: "2.0",
      url,
      method,
      header,
      body: pipe(body ?? noBytes()),
      signal: cancel.signal,
    });
    return {
      status: response.status,
      header: new Headers(response.header),
      trailer: response.trailer ?? new Headers(),
      body: pipe(response.body ?? noBytes()),
    };
  };
}

async function* noBytes(): AsyncGenerator<Uint8Array> {}
