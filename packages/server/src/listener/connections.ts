import { constants, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Runtime, Timer } from "@loom-bridge/protocol";
import type { ListenerLimits } from "./listener-limits.ts";
import { createMembers } from "./members.ts";

/** One connection, once it is known what it speaks. */
export interface Connection {
  /** A request came; the connection is no longer a newcomer. Only for HTTP/1.1. */
  requested(): void;
  /** The connection speaks HTTP/2. */
  adopt(session: ServerHttp2Session): void;
}

/** The open connections of a listener. */
export interface Connections {
  readonly size: number;
  /** Counts a socket until it closes. */
  count(socket: Socket): void;
  /** Watches a socket, which with TLS is the one inside: it must come to a request in time, and not idle. */
  watch(socket: Socket): Connection;
  /**
   * Tells HTTP/2 clients to make their next calls on another connection (GOAWAY). Calls that are on their way are
   * still answered.
   */
  sendAway(): void;
  /** Takes no more calls on connections that are open (GOAWAY). They close as their calls end. */
  drain(): void;
  destroyAll(): void;
  whenEmpty(): Promise<void>;
}

/** In a GOAWAY: every call that the client has begun is still taken (RFC 9113, 6.8). */
const maxStreamId = 2 ** 31 - 1;

/** What a client has to close its side after we closed ours. */
const lingerMs = 1000;

export function createConnections(runtime: Runtime, limits: ListenerLimits): Connections {
  const sockets = createMembers<Socket>();
  const sessions = createMembers<ServerHttp2Session>();

  function watch(socket: Socket): Connection {
    let session: ServerHttp2Session | undefined;
    let streams = 0;
    let timer: Timer | undefined;

    function expireIn(delayMs: number): void {
      timer?.cancel();
      timer = socket.destroyed ? undefined : runtime.setTimer(expire, delayMs);
    }

    function expire(): void {
      if (session === undefined || session.closed) {
        socket.destroy();
        return;
      }
      session.close();
      expireIn(lingerMs);
    }

    expireIn(limits.firstRequestTimeoutMs);
    socket.once("close", () => timer?.cancel());
    // An error is followed by "close", and there is nobody to tell.
    socket.on("error", () => {});

    return {
      requested: () => timer?.cancel(),
      adopt(adopted) {
        session = adopted;
        sessions.add(adopted);
        adopted.once("close", () => sessions.delete(adopted));
        adopted.setLocalWindowSize(limits.connectionWindowBytes);
        adopted.on("stream", (stream) => {
          streams += 1;
          timer?.cancel();
          stream.once("close", () => {
            streams -= 1;
            if (streams === 0) expireIn(adopted.closed ? lingerMs : limits.idleConnectionTimeoutMs);
          });
        });
      },
    };
  }

  return {
    get size() {
      return sockets.size;
    },
    count(socket) {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    },
    watch,
    sendAway() {
      for (const session of sessions) {
        // One that was cut off is here until its socket is closed.
        if (!session.destroyed) session.goaway(constants.NGHTTP2_NO_ERROR, maxStreamId);
      }
    },
    drain() {
      for (const session of sessions) session.close();
    },
    destroyAll() {
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
    },
    whenEmpty: sockets.whenEmpty,
  };
}
