import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Runtime } from "@loom-bridge/protocol";
import type { Breaches } from "../domain/breaches.ts";
import type { Logger } from "../domain/logger.ts";
import { type Connection, type ConnectionParts, watchConnection } from "./connection.ts";
import { createKeyedCap } from "./keyed-cap.ts";
import type { ListenerLimits } from "./listener-limits.ts";
import { createMembers } from "./members.ts";
import { peerKey } from "./peer-key.ts";

/** The open connections of a listener. */
export interface Connections {
  readonly size: number;
  /** Counts a socket until it closes. False: it is one too many, and closed. */
  admit(socket: Socket): boolean;
  /** Watches a socket, which with TLS is the one inside: it must come to a request in time, and not idle. */
  watch(socket: Socket): Connection;
  /**
   * Tells HTTP/2 clients to make their next calls on another connection (GOAWAY). Those in progress go on, and one that
   * crosses it on the way is refused, so that its client may make it again. Connections close as their calls end.
   */
  sendAway(): void;
  destroyAll(): void;
  whenEmpty(): Promise<void>;
}

export interface ConnectionsOptions extends Omit<ConnectionParts, "byPrincipal" | "sessions"> {
  readonly runtime: Runtime;
  readonly limits: ListenerLimits;
  readonly breaches: Breaches;
  readonly logger: Logger;
  /** Addresses whose number of connections is not limited: proxies, and this machine. */
  readonly isTrusted: (address: string) => boolean;
  /** Whether new connections are refused for now. */
  readonly isFull: () => boolean;
}

export function createConnections(options: ConnectionsOptions): Connections {
  const { limits, breaches, logger, isTrusted, isFull } = options;
  const sockets = createMembers<Socket>();
  const sessions = createMembers<ServerHttp2Session>();
  const byPrincipal = createKeyedCap(limits.maxConnectionsPerPrincipal);
  const byPeer = createKeyedCap(limits.maxConnectionsPerIp);

  function refuse(socket: Socket, peer: string, limit: string, value: number): false {
    breaches.count(limit);
    logger.warn("a connection was refused", { peer, limit, value });
    socket.destroy();
    return false;
  }

  return {
    get size() {
      return sockets.size;
    },
    admit(socket) {
      const address = socket.remoteAddress ?? "";
      const peer = peerKey(address);
      // An error is followed by "close", and there is nobody to tell.
      socket.on("error", () => {});
      if (isFull()) return refuse(socket, peer, "memoryBytes", 0);
      if (sockets.size >= limits.maxConnections) {
        return refuse(socket, peer, "maxConnections", limits.maxConnections);
      }
      const isCounted = !isTrusted(address);
      if (isCounted && !byPeer.enter(peer)) {
        return refuse(socket, peer, "maxConnectionsPerIp", limits.maxConnectionsPerIp);
      }
      sockets.add(socket);
      socket.once("close", () => {
        sockets.delete(socket);
        if (isCounted) byPeer.leave(peer);
      });
      return true;
    },
    watch: (socket) => watchConnection(socket, { ...options, byPrincipal, sessions }),
    sendAway() {
      for (const session of sessions) session.close();
    },
    destroyAll() {
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
    },
    whenEmpty: sockets.whenEmpty,
  };
}
