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
import { messageTooLarge } from "@loom-bridge/protocol/wire";
import type { Presented } from "../domain/access/authenticator.ts";
import type { Breaches } from "../domain/breaches.ts";
import type { Logger } from "../domain/logger.ts";
import { type Admission, admissionKey } from "./admission.ts";
import { clampTimeout } from "./clamp-timeout.ts";
import type { Connection } from "./connection.ts";
import { guardCalls } from "./guard-calls.ts";
import { createInboundRate } from "./inbound-rate.ts";
import { createInspectedBody, describeMessages } from "./inspected-body.ts";
import type { ListenerLimits } from "./listener-limits.ts";
import type { Members } from "./members.ts";
import type { MessageStreamHandler } from "./message-stream.ts";
import { isRawGrpc, serveRawCall } from "./raw-call.ts";
import { serveRawUnary } from "./raw-unary.ts";
import { readPresented } from "./read-presented.ts";
import { readRequest } from "./read-request.ts";
import type { Refuse } from "./refusal.ts";
import { requestBodyKey } from "./request-body.ts";
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
  /** Why no call is taken now, before anything of it is read. Default: every call is. */
  refuseCall: () => ConnectError | undefined;
  refuse: Refuse;
  breaches: Breaches;
}

export type RequestListener = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
  connection: Connection,
) => void;

/** Answers the requests of Node's HTTP servers by Connect's handlers, for gRPC, gRPC-Web and Connect. */
export function createNodeAdapter(options: NodeAdapterOptions): RequestListener {
  const { limits, logger, calls, runtime, refuse } = options;
  const interceptors = [guardCalls(logger, options.breaches), ...options.interceptors];
  const router = createConnectRouter({
    // No brotli: a small message can unpack to so much that it is the cheaper attack, and gRPC clients do not send it.
    acceptCompression: [gzipForAnswers],
    // Each unknown field would be kept as an object of its own: 4 MB of them take 220 MB.
    binaryOptions: { readUnknownFields: false },
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

  return (request, response, connection) => {
    const writer = createResponseWriter(response, { ...options, connection });
    const fail = (status: number): void => {
      connection.badRequest();
      writer.fail(status);
    };
    const { peer } = connection;
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    const handler = handlers.get(path);
    if (handler === undefined) {
      logger.info("a request for an unknown path", { peer, path: path.slice(0, 200) });
      return fail(404);
    }
    if (options.isClosing()) return writer.fail(503);

    // Node tells HTTP/2 clients the limit but does not hold them to it.
    const headerBytes = request.rawHeaders.reduce((sum, text) => sum + text.length, 0);
    if (headerBytes > limits.maxHeaderBytes) {
      logger.info("a request with too many headers", { peer, headerBytes, maxHeaderBytes: limits.maxHeaderBytes });
      options.breaches.count("maxHeaderBytes");
      return fail(431);
    }
    const head = readRequest(request);
    if (head === undefined) {
      logger.info("a request without a valid host", { peer, rpc: path.slice(1) });
      return fail(400);
    }
    clampTimeout(head.header, limits.maxTimeoutMs);
    const capped = (admission: Admission): Admission => {
      if (admission instanceof ConnectError || admission.owner === "") return admission;
      if (connection.carries(admission.owner)) return admission;
      const value = limits.maxConnectionsPerPrincipal;
      const message = `the principal has maxConnectionsPerPrincipal, ${value}, other connections; close some`;
      return refuse({
        code: "resource_exhausted",
        limit: "maxConnectionsPerPrincipal",
        value,
        message,
        retryable: true,
      });
    };
    const serve = (admission: Admission): void => {
      if (writer.isGone) return;
      if (options.isClosing()) writer.fail(503);
      else answer({ request, response, connection, writer, path, handler, head, admission: capped(admission) });
    };
    const refusal = options.refuseCall() ?? refuseLength(head.header);
    const admission = refusal ?? options.admit(readPresented(request, head.header));
    if (admission instanceof Promise) void admission.then(serve);
    else serve(admission);
  };

  /** A length that is announced is refused without a byte of it. */
  function refuseLength(header: Headers): ConnectError | undefined {
    const bytes = describeMessages(header).enveloped ? 0 : Number(header.get("content-length") ?? 0);
    return bytes > limits.readMaxBytes ? refuse(messageTooLarge(bytes, limits.readMaxBytes)) : undefined;
  }

  function answer({ request, response, connection, writer, path, handler, head, admission }: AdmittedRequest): void {
    const streamHandler = options.streams.get(path);
    const isRefused = admission instanceof ConnectError;
    if (!isRefused && streamHandler !== undefined && "stream" in response && isRawGrpc(head.method, head.header)) {
      return serveRawCall({
        ...options,
        response,
        header: head.header,
        handler: streamHandler,
        access: admission,
        connection,
      });
    }
    const method = unaryMethods.get(path);
    if (!isRefused && method !== undefined && "stream" in response && isRawGrpc(head.method, head.header)) {
      return serveRawUnary({ ...options, ...head, response, method, access: admission, interceptors, connection });
    }
    // The rest of the request is not read, so that this connection cannot be used again.
    if (isRefused && !("stream" in response)) response.setHeader("connection", "close");
    const ended = new AbortController();
    const call: Call = {
      streaming: handler.method.methodKind !== "unary",
      end: (reason) => ended.abort(reason),
    };
    calls.add(call);
    connection.calls.add(call);
    const rate = createInboundRate(options);
    // Node watches the requests of HTTP/1.1 itself.
    const isWatched = "stream" in response && !mayStream(handler.method);
    const lateTimer = isWatched ? runtime.setTimer(endLateRequest, limits.requestTimeoutMs) : undefined;
    request.once("end", () => lateTimer?.cancel());
    response.once("close", () => {
      calls.delete(call);
      connection.calls.delete(call);
      rate.close();
      lateTimer?.cancel();
      if (!response.writableEnded) ended.abort(new ConnectError("the client went away", Code.Canceled));
    });

    function endLateRequest(): void {
      const value = limits.requestTimeoutMs;
      const message = `the request did not arrive within requestTimeoutMs, ${value}`;
      call.end(refuse({ code: "deadline_exceeded", limit: "requestTimeoutMs", value, message }));
    }

    const body = createInspectedBody(request, head.header, { input: handler.method.input, limits, refuse, rate });
    const contextValues = createContextValues().set(requestBodyKey, body).set(admissionKey, admission);

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
  readonly connection: Connection;
  readonly writer: ResponseWriter;
  readonly path: string;
  readonly handler: ConnectRouter["handlers"][number];
  readonly head: NonNullable<ReturnType<typeof readRequest>>;
  readonly admission: Admission;
}

/** Packs answers. Requests are unpacked before Connect sees them, but for the message in the URL of a GET. */
const gzipForAnswers: typeof compressionGzip = {
  ...compressionGzip,
  decompress: () => Promise.reject(new ConnectError("a message in a URL is not taken compressed", Code.Unimplemented)),
};

function mayStream({ methodKind }: { readonly methodKind: string }): boolean {
  return methodKind === "bidi_streaming" || methodKind === "client_streaming";
}
