import { Code, ConnectError, createConnectRouter, type Transport } from "@connectrpc/connect";
import type { UniversalClientFn, UniversalHandler } from "@connectrpc/connect/protocol";
import { createTransport } from "@connectrpc/connect/protocol-grpc";
import { limits } from "@loom-bridge/protocol";
import type { Bridge } from "@loom-bridge/server";
import { createBytePipe } from "./byte-pipe.ts";

/** What answers at the other end, by path. */
export type Handlers = ReadonlyMap<string, UniversalHandler>;

/** Makes a bridge answer; `shutdownSignal` ends every call, as a bridge that shuts down does. */
export function createHandlers(bridge: Bridge, shutdownSignal: AbortSignal): Handlers {
  const router = createConnectRouter({
    interceptors: [...bridge.interceptors],
    readMaxBytes: limits.messageBytes,
    writeMaxBytes: limits.messageBytes,
    shutdownSignal,
  });
  bridge.routes(router);
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

export interface MemoryNetworkOptions {
  /** Who answers now. */
  readonly handlers: () => Handlers;
  /** How many bytes may be under way in each direction of a call. */
  readonly windowBytes: number;
}

/** The ways to a bridge in this process. */
export interface MemoryNetwork {
  /** A new way: gRPC, as over a socket, with real messages in bytes and flow control. */
  transport(): Transport;
  /** Breaks every call that is open, without a word to either side; what is under way is lost. */
  cut(): void;
}

export function createMemoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  const open = new Set<AbortController>();
  return {
    transport: () =>
      createTransport({
        httpClient: createMemoryClient(options, open),
        baseUrl: "https://in-memory",
        useBinaryFormat: true,
        interceptors: [],
        acceptCompression: [],
        sendCompression: null,
        compressMinBytes: limits.messageBytes,
        readMaxBytes: limits.messageBytes,
        writeMaxBytes: limits.messageBytes,
      }),
    cut() {
      for (const call of [...open]) call.abort(new ConnectError("the connection broke", Code.Unavailable));
    },
  };
}

/**
 * Carries a request to its handler and the response back. Connect has such a client, but that one copies the trailers
 * before the handler has written them, and gRPC's status is a trailer.
 */
function createMemoryClient(options: MemoryNetworkOptions, open: Set<AbortController>): UniversalClientFn {
  const { windowBytes } = options;
  return async ({ url, method, header, body, signal }) => {
    const handler = options.handlers().get(new URL(url).pathname);
    if (handler === undefined) throw new ConnectError(`no handler for ${url}`, Code.Unimplemented);
    const call = new AbortController();
    open.add(call);
    const end = (): void => {
      open.delete(call);
      signal?.removeEventListener("abort", onAbort);
    };
    const onAbort = (): void => {
      call.abort(new ConnectError("the client gave up", Code.Canceled));
      end();
    };
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
    try {
      const response = await handler({
        httpVersion: "2.0",
        url,
        method,
        header,
        body: createBytePipe(body ?? noBytes(), { windowBytes, signal: call.signal }),
        signal: call.signal,
      });
      return {
        status: response.status,
        header: new Headers(response.header),
        trailer: response.trailer ?? new Headers(),
        body: createBytePipe(response.body ?? noBytes(), { windowBytes, signal: call.signal, onEnd: end }),
      };
    } catch (error) {
      end();
      throw error;
    }
  };
}

async function* noBytes(): AsyncGenerator<Uint8Array> {}
