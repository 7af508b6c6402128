import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  createContextValues,
  type Interceptor,
} from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import type { Runtime } from "@loom-bridge/protocol";
import type { Logger } from "../domain/logger.ts";
import { clampTimeout } from "./clamp-timeout.ts";
import { guardCalls } from "./guard-calls.ts";
import type { ListenerLimits } from "./listener-limits.ts";
import type { Members } from "./members.ts";
import type { MessageStreamHandler } from "./message-stream.ts";
import { isRawGrpc, serveRawCall } from "./raw-call.ts";
import { readRequest } from "./read-request.ts";
import { createReframer } from "./reframe.ts";
import { createRequestBody, requestBodyKey } from "./request-body.ts";
import { createResponseWriter } from "./response-writer.ts";

/**
 * A call in progress. Each has a signal of its own: Connect would hang all on one for shutdown, where a call that ends
 * searches the listeners of all others, and unary calls could not be left to finish.
 */
export interface Call {
  readonly streaming: boolean;
  /** Ends the call with a status. */
  end(reason: ConnectError): void;
}

export interface NodeAdapterOptions {
  routes: (router: ConnectRouter) => void;
  /** Who answers the plain gRPC calls on HTTP/2 to a path instead of Connect; no interceptor sees them. */
  streams: ReadonlyMap<string, MessageStreamHandler>;
  interceptors: readonly Interceptor[];
  limits: ListenerLimits;
  logger: Logger;
  runtime: Runtime;
  /** Gets each call, from its headers until its response has left or its client has. */
  calls: Members<Call>;
  /** When true, requests are answered 503. */
  isClosing: () => boolean;
}

export type RequestListener = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => void;

/** Answers the requests of Node's HTTP servers by Connect's handlers, for gRPC, gRPC-Web and Connect. */
export function createNodeAdapter(options: NodeAdapterOptions): RequestListener {
  const { limits, logger, calls } = options;
  const router = createConnectRouter({
    // No brotli: a small message can unpack to so much that it is the cheaper attack, and gRPC clients do not send it.
    acceptCompression: [compressionGzip],
    compressMinBytes: limits.compressMinBytes,
    interceptors: [guardCalls(logger), ...options.interceptors],
    maxTimeoutMs: limits.maxTimeoutMs,
    readMaxBytes: limits.readMaxBytes,
    // The first place that sees the signal which a deadline aborts.
    requestGate: ({ signal, values }) => values.get(requestBodyKey)?.endWith(signal),
    writeMaxBytes: limits.writeMaxBytes,
  });
  options.routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  return (request, response) => {
    const writer = createResponseWriter(response, options.runtime);
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    const handler = handlers.get(path);
    if (handler === undefined) {
      logger.info("a request for an unknown path", { path: path.slice(0, 200) });
      return writer.fail(404);
    }
    if (options.isClosing()) return writer.fail(503);

    // Node tells HTTP/2 clients the limit but does not hold them to it.
    const headerBytes = request.rawHeaders.reduce((sum, text) => sum + text.length, 0);
    if (headerBytes > limits.maxHeaderBytes) {
      logger.info("a request with too many headers", { headerBytes, maxHeaderBytes: limits.maxHeaderBytes });
      return writer.fail(431);
    }
    const head = readRequest(request);
    if (head === undefined) {
      logger.info("a request without a valid host", { rpc: path.slice(1) });
      return writer.fail(400);
    }
    clampTimeout(head.header, limits.maxTimeoutMs);
    const streamHandler = options.streams.get(path);
    if (streamHandler !== undefined && "stream" in response && isRawGrpc(head.method, head.header)) {
      return serveRawCall({ ...options, response, header: head.header, handler: streamHandler });
    }
    const enveloped = /^application\/(?:grpc|connect\+)/.test(head.header.get("content-type") ?? "");
    const body = createRequestBody(request, createReframer({ enveloped, maxBytes: limits.readMaxBytes }));
    const contextValues = createContextValues().set(requestBodyKey, body);

    const ended = new AbortController();
    const call: Call = {
      streaming: handler.method.methodKind !== "unary",
      end: (reason) => ended.abort(reason),
    };
    calls.add(call);
    response.once("close", () => {
      calls.delete(call);
      if (!response.writableEnded) ended.abort(new ConnectError("the client went away", Code.Canceled));
    });

    handler({ ...head, body, contextValues, signal: ended.signal })
      .then(writer.send)
      .catch((error: unknown) => {
        logger.error("a response could not be sent", { rpc: path.slice(1), error });
        writer.fail(500);
      });
  };
}
