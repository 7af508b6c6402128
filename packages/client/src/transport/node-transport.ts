import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import type { Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { limits } from "@loom-bridge/protocol";
import { createDirectTransport } from "./direct-transport.ts";

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

/** The default of 64 KiB would hold a fast stream back at each round trip. */
const windowBytes = 4 * 1_048_576;

export function createNodeTransport(options: NodeTransportOptions): NodeTransport {
  const { ca, cert, key, serverName } = options.credentials ?? {};
  // No ping interval: a ping on a session that was just destroyed throws outside of every handler
  // (https://github.com/connectrpc/connect-es/issues/1795). The agents' heartbeats do its work.
  const manager = new Http2SessionManager(
    options.baseUrl,
    // Nor an idle timeout, which the bridge has: its timer is set anew for a connection that was lost with an open
    // stream, and keeps that connection in memory for as long.
    { idleConnectionTimeoutMs: Number.POSITIVE_INFINITY },
    {
      settings: { initialWindowSize: windowBytes },
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    },
  );
  let sessions: ClientHttp2Session[] = [];

  const sessionManager: Pick<Http2SessionManager, "authority" | "request" | "notifyResponseByteRead"> = {
    authority: manager.authority,
    notifyResponseByteRead: (stream) => manager.notifyResponseByteRead(stream),
    async request(...args): Promise<ClientHttp2Stream> {
      const stream = await manager.request(...args);
      const session = stream.session as ClientHttp2Session | undefined;
      if (session !== undefined && !sessions.includes(session)) {
        sessions = [...sessions.filter(isAlive), session];
        session.setLocalWindowSize(windowBytes);
      }
      return stream;
    },
  };

  const transport = createTransport[options.protocol]({
    baseUrl: options.baseUrl,
    httpVersion: "2",
    sessionManager,
    readMaxBytes: limits.messageBytes,
    writeMaxBytes: limits.messageBytes,
    // Compressing small messages costs more time than it saves.
    acceptCompression: [],
  });

  return {
    transport: options.protocol === "grpc" ? createDirectTransport({ transport, sessionManager }) : transport,
    async close() {
      // A session that is destroyed already may never emit "close": Node does not when TLS ends it with an alert.
      const closing = sessions
        .filter(isAlive)
        .map((session) => new Promise<void>((resolve) => session.once("close", resolve)));
      sessions = [];
      manager.abort();
      await Promise.all(closing);
    },
  };
}

function isAlive(session: ClientHttp2Session): boolean {
  return !session.destroyed;
}

const createTransport = {
  grpc: createGrpcTransport,
  connect: createConnectTransport,
  "grpc-web": createGrpcWebTransport,
} as const;
