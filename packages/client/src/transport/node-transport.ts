import type { Transport } from "@connectrpc/connect";

/** How to speak to the bridge. All three carry the same messages. */
export type Protocol = "grpc" | "connect" | "grpc-web";

/** TLS, as PEM texts. The bridge's certificate is always verified. */
export interface Credentials {
  /** Certificates to trust. Default: those that Node trusts. */
  ca?: string;
  /** This client's own certificate, for a bridge that asks for one. */
  cert?: string;
  /** The key of `cert`. */
  key?: string;
  /** The name that the bridge's certificate must have. Default: the host of the address. */
  serverName?: string;
}

export interface NodeTransportOptions {
  readonly baseUrl: string;
  readonly protocol: Protocol;
  readonly credentials: Credentials | undefined;
}

/** A transport over one HTTP/2 connection that can be closed. */
export interface NodeTransport {
  readonly transport: Transport;
  /** Closes the connection and its streams. A later call opens a new one. Resolves when the socket is closed. */
  close(): Promise<void>;
}

/**
 * A transport over sockets. What it needs of Node and Connect is a third of all that the client loads, and is loaded
 * with the first call: who has a transport of his own, such as a test, never loads it.
 */
export function createNodeTransport(options: NodeTransportOptions): NodeTransport {
  let loading: Promise<NodeTransport> | undefined;
  const load = (): Promise<NodeTransport> => {
    loading ??= import("./http2-transport.ts").then(({ createHttp2Transport }) => createHttp2Transport(options));
    return loading;
  };
  return {
    transport: {
      unary: async (...call) => (await load()).transport.unary(...call),
      stream: async (...call) => (await load()).transport.stream(...call),
    },
    close: async () => (await loading)?.close(),
  };
}
