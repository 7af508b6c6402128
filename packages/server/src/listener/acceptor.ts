import { createServer as createTcpServer, type Server } from "node:net";
import { createServer as createTlsServer, type TlsOptions as NodeTlsOptions, type TLSSocket } from "node:tls";
import type { Logger } from "../domain/logger.ts";
import type { Connections } from "./connections.ts";
import type { HttpServers } from "./http-servers.ts";
import type { ListenerLimits } from "./listener-limits.ts";
import { sniffProtocol } from "./sniff-protocol.ts";

export interface AcceptorOptions {
  /** Undefined: plain text. */
  tls: NodeTlsOptions | undefined;
  connections: Connections;
  servers: HttpServers;
  limits: ListenerLimits;
  logger: Logger;
}

/** The server that takes connections, finds out what each speaks and hands it on. */
export function createAcceptor({ tls, connections, servers, limits, logger }: AcceptorOptions): Server {
  const acceptor = tls === undefined ? createTcpServer({ noDelay: true }) : createTls(tls);

  if (tls === undefined) {
    acceptor.on("connection", (socket) => {
      if (!connections.admit(socket)) return;
      const connection = connections.watch(socket);
      sniffProtocol(socket, (protocol) => servers.serve(protocol, socket, connection));
    });
  } else {
    acceptor.on("connection", connections.admit);
    acceptor.on("secureConnection", (socket: TLSSocket) => {
      servers.serve(socket.alpnProtocol === "h2" ? "h2" : "h1", socket, connections.watch(socket));
    });
    acceptor.on("tlsClientError", (error: Error) => logger.debug("a TLS handshake failed", { error }));
  }
  return acceptor;

  function createTls(options: NodeTlsOptions): Server {
    return createTlsServer({
      ...options,
      ALPNProtocols: ["h2", "http/1.1"],
      handshakeTimeout: limits.firstRequestTimeoutMs,
      noDelay: true,
    });
  }
}
