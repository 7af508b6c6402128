import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { limits } from "@loom-bridge/protocol";
import { createDirectTransport } from "./direct-transport.ts";
import type { NodeTransport, NodeTransportOptions } from "./node-transport.ts";

/** The default of 64 KiB would hold a fast stream back at each round trip. */
const windowBytes = 4 * 1_048_576;

/** A transport over one HTTP/2 connection, which opens at the first call and again after `close`. */
export function createHttp2Transport(options: NodeTransportOptions): NodeTransport {
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
