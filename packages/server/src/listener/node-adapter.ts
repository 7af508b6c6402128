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
import type { Presented } from "../domain/access/authenticator.ts";
import type { Logger } from "../domain/logger.ts";
import { type Admission, admissionKey } from "./admission.ts";
import { clampTimeout } from "./clamp-timeout.ts";
import { guardCalls } from "./guard-calls.ts";
import type { ListenerLimits } from "./listener-limits.ts";
import type { Members } from "./members.ts";
import type { MessageStreamHandler } from "./message-stream.ts";
import { isRawGrpc, serveRawCall } from "./raw-call.ts";
import { serveRawUnary } from "./raw-unary.ts";
import { readPresented } from "./read-presented.ts";
import { readRequest } from "./read-request.ts";
import { createReframer } from "./reframe.ts";
import { createRequestBody, requestBodyKey } from "./request-body.ts";
import { createResponseWriter, type ResponseWriter } from "./response-writer.ts";
import { addServices } from "./unary-methods.ts";

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
  /** Finds out who makes a call, before its body is read. */
  admit: (presented: Presented) => Admission | Promise<Admission>;
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
  const interceptors = [guardCalls(logger), ...options.interceptors];
  const router = createConnectRouter({
    // No brotli: a small message can unpack to so much that it is the cheaper attack, and gRPC clients do not send it.
    acceptCompression: [compressionGzip],
    compressMinBytes: limits.compressMinBytes,
    interceptors,
    maxTimeoutMs: limits.maxTimeoutMs,
    readMaxBytes: limits.readMaxBytes,
    // The first place that sees the signal which a deadline aborts.
    requestGate({ signal, values }) {
      const admission = values.get(admissionKey);
      if (admission instanceof ConnectError) throw admission;
      values.get(requestBodyKey)?.endWith(signal);
    },
    writeMaxBytes: limits.writeMaxBytes,
  });
  const unaryMethods = addServices(router, options.routes);
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
    const serve = (admission: Admission): void => {
      if (writer.isGone) return;
      if (options.isClosing()) writer.fail(503);
      else answer({ request, response, writer, path, handler, head, admission });
    };
    const admission = options.admit(readPresented(request, head.header));
    if (admission instanceof Promise) void admission.then(serve);
    else serve(admission);
  };

  function answer({ request, response, writer, path, handler, head, admission }: AdmittedRequest): void {
    const streamHandler = options.streams.get(path);
    const isRefused = admission instanceof ConnectError;
    if (!isRefused && streamHandler !== undefined && "stream" in response && isRawGrpc(head.method, head.header)) {
      return serveRawCall({ ...options, response, header: head.header, handler: streamHandler, access: admission });
    }
    const method = unaryMethods.get(path);
    if (!isRefused && method !== undefined && "stream" in response && isRawGrpc(head.method, head.header)) {
      return serveRawUnary({ ...options, ...head, response, method, access: admission, interceptors });
    }
    // The rest of the request is not read, so that this connection cannot be used again.
    if (isRefused && !("stream" in response)) response.setHeader("connection", "close");
    const enveloped = /^application\/(?:grpc|connect\+)/.test(head.header.get("content-type") ?? "");
    const body = createRequestBody(request, createReframer({ enveloped, maxBytes: limits.readMaxBytes }));
    const contextValues = createContextValues().set(requestBodyKey, body).set(admissionKey, admission);

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
  }
}

interface AdmittedRequest {
  readonly request: Parameters<RequestListener>[0];
  readonly response: Parameters<RequestListener>[1];
  readonly writer: ResponseWriter;
  readonly path: string;
  readonly handler: ConnectRouter["handlers"][number];
  readonly head: NonNullable<ReturnType<typeof readRequest>>;
  readonly admission: Admission;
}
