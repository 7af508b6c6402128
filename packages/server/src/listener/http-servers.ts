import { createServer as createHttp1Server } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Logger } from "../domain/logger.ts";
import type { Connection } from "./connection.ts";
import type { ListenerLimits } from "./listener-limits.ts";
import type { RequestListener } from "./node-adapter.ts";

/** Node's two HTTP servers. Neither listens; they are given connections. */
export interface HttpServers {
  serve(protocol: "h1" | "h2", socket: Socket, connection: Connection): void;
  /** Closes idle HTTP/1.1 connections, and stops the servers' timers. */
  close(): void;
}

export interface HttpServersOptions {
  answer: RequestListener;
  limits: ListenerLimits;
  logger: Logger;
}

export function createHttpServers({ answer, limits, logger }: HttpServersOptions): HttpServers {
  const connections = new WeakMap<object, Connection>();
  const http1 = createHttp1Server(
    {
      connectionsCheckingInterval: Math.min(limits.requestTimeoutMs, 30_000),
      headersTimeout: limits.requestTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.idleConnectionTimeoutMs,
      maxHeaderSize: limits.maxHeaderBytes,
    },
    (request, response) => {
      const connection = connections.get(request.socket);
      connection?.requested();
      if (connection !== undefined) answer(request, response, connection);
    },
  );
  // Node begins to watch its two timeouts when a server listens; this one never does.
  http1.emit("listening");

  const http2 = createHttp2Server(
    {
      maxSessionMemory: limits.sessionMemoryMib,
      // Node forgives 1000; no honest client needs it.
      maxSessionInvalidFrames: 50,
      // nghttp2 counts resets before a call is made of them; the connection's own budget counts those that were.
      streamResetBurst: 10 * limits.cancelledCallsPerSec,
      streamResetRate: limits.cancelledCallsPerSec,
      settings: {
        enablePush: false,
        initialWindowSize: limits.streamWindowBytes,
        maxConcurrentStreams: limits.maxConcurrentStreams,
        maxHeaderListSize: limits.maxHeaderBytes,
      },
    },
    (request, response) => {
      const connection = connections.get(response.stream.session ?? request);
      if (connection !== undefined) answer(request, response, connection);
    },
  );
  http2.on("sessionError", (error: Error) => logger.debug("an HTTP/2 connection failed", { error }));

  return {
    serve(protocol, socket, connection) {
      if (protocol === "h1") {
        connections.set(socket, connection);
        http1.emit("connection", socket);
        // It may have been paused while its first bytes were looked at.
        socket.resume();
        return;
      }
      // Node makes the session while it handles "connection".
      const adopt = (session: ServerHttp2Session): void => {
        connections.set(session, connection);
        connection.adopt(session);
      };
      http2.once("session", adopt);
      http2.emit("connection", socket);
      http2.off("session", adopt);
    },
    close() {
      http1.close();
    },
  };
}
