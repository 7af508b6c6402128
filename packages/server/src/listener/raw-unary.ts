import { constants, type Http2ServerResponse } from "node:http2";
import { fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextValues, type HandlerContext, type Interceptor } from "@connectrpc/connect";
import { invokeUnaryImplementation } from "@connectrpc/connect/protocol";
import { parseTimeout, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { LoomError, type Runtime, type Timer } from "@loom-bridge/protocol";
import { EnvelopeWriter, MessageSplitter } from "@loom-bridge/protocol/wire";
import type { Access } from "../domain/access/access.ts";
import type { Breaches } from "../domain/breaches.ts";
import { countElements } from "../wire/count-elements.ts";
import { messageLimits } from "../wire/message-limits.ts";
import { admissionKey } from "./admission.ts";
import { closeAfterTrailers } from "./close-after-trailers.ts";
import type { Connection } from "./connection.ts";
import type { ListenerLimits } from "./listener-limits.ts";
import type { Members } from "./members.ts";
import type { Call } from "./node-adapter.ts";
import { toConnectError } from "./raw-error.ts";
import { manyElements, type Refuse } from "./refusal.ts";
import { createStallWatch } from "./stall-watch.ts";
import type { UnaryMethod } from "./unary-methods.ts";

export interface RawUnaryOptions {
  response: Http2ServerResponse;
  method: UnaryMethod;
  /** The request's headers, with a deadline that is short enough. */
  header: Headers;
  url: string;
  /** What the one who calls may do. */
  access: Access;
  interceptors: readonly Interceptor[];
  calls: Members<Call>;
  connection: Connection;
  refuse: Refuse;
  breaches: Breaches;
  limits: ListenerLimits;
  runtime: Runtime;
}

/**
 * Serves one unary gRPC call on HTTP/2 without Connect's way from bytes to messages and back, whose iterators cost four
 * times what the call needs. Interceptors and handler are the same, and so is what clients see, but that an answer is
 * never compressed. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export function serveRawUnary(options: RawUnaryOptions): void {
  const { response, method, header, access, interceptors, calls, connection, limits, runtime, refuse } = options;
  const { stream } = response;
  const abort = new AbortController();
  const responseHeader = new Headers({ "content-type": "application/grpc+proto" });
  const responseTrailer = new Headers();
  let input: Message | undefined;
  /** The client has said all. */
  let ended = false;
  /** The call has its answer, or its client has left. */
  let over = false;
  let timer: Timer | undefined;
  const lateTimer = runtime.setTimer(() => {
    const value = limits.requestTimeoutMs;
    const message = `the request did not arrive within requestTimeoutMs, ${value}`;
    end(refuse({ code: "deadline_exceeded", limit: "requestTimeoutMs", value, message }));
  }, limits.requestTimeoutMs);
  const stall = createStallWatch({
    runtime,
    timeoutMs: limits.writeStallTimeoutMs,
    bytesTaken: () => connection.bytesTaken,
    onStall() {
      options.breaches.count("writeStallTimeoutMs");
      // It reads nothing, so there is no telling it.
      stream.close(constants.NGHTTP2_CANCEL);
    },
  });

  function answer(error: ConnectError | undefined, message?: Uint8Array): void {
    if (over) return;
    over = true;
    timer?.cancel();
    lateTimer.cancel();
    response.writeHead(200, Object.fromEntries(responseHeader));
    response.addTrailers(Object.fromEntries(setTrailerStatus(responseTrailer, error)));
    if (!ended) closeAfterTrailers(stream, runtime);
    if (message === undefined) response.end();
    else response.end(message);
    // Watched until it closes: its end may wait for the client.
    stall.blocked();
    // What the client still sends is thrown away.
    stream.resume();
  }

  function end(reason: ConnectError): void {
    if (over) return;
    answer(reason);
    abort.abort(reason);
  }

  function guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      end(LoomError.isInstance(error) ? refuse(error) : toConnectError(error));
    }
  }

  async function invoke(message: Message): Promise<void> {
    try {
      const output = await invokeUnaryImplementation(method, context, message, [...interceptors]);
      const bytes = toBinary(method.method.output, output);
      const writer = new EnvelopeWriter(limits.writeMaxBytes);
      writer.begin(bytes.length);
      writer.bytes(bytes);
      answer(undefined, writer.take());
    } catch (error) {
      answer(toConnectError(error));
    }
  }

  const splitter = new MessageSplitter({
    maxBytes: limits.readMaxBytes,
    onMessage(bytes) {
      if (input !== undefined)
        throw new ConnectError("protocol error: received extra input message", Code.Unimplemented);
      input = parse(method, bytes, refuse);
    },
  });
  const call: Call = { streaming: false, end };
  calls.add(call);
  connection.calls.add(call);
  // An error is followed by "close", and there is nobody to tell.
  stream.on("error", () => {});
  stream.once("close", () => {
    timer?.cancel();
    lateTimer.cancel();
    stall.drained();
    calls.delete(call);
    connection.calls.delete(call);
    if (over) return;
    over = true;
    abort.abort(new ConnectError("the client went away", Code.Canceled));
  });

  const { timeoutMs, error } = parseTimeout(header.get("grpc-timeout"), limits.maxTimeoutMs);
  const deadlineMs = timeoutMs === undefined ? undefined : runtime.monotonic() + timeoutMs;
  const context: HandlerContext = {
    service: method.method.parent,
    method: method.method,
    protocolName: "grpc",
    requestMethod: "POST",
    url: options.url,
    signal: abort.signal,
    timeoutMs: () => (deadlineMs === undefined ? undefined : deadlineMs - runtime.monotonic()),
    requestHeader: header,
    responseHeader,
    responseTrailer,
    values: createContextValues().set(admissionKey, access),
  };
  if (error !== undefined) return end(error);
  if (timeoutMs !== undefined) {
    const late = (): void => end(new ConnectError("the operation timed out", Code.DeadlineExceeded));
    if (timeoutMs <= 0) return late();
    timer = runtime.setTimer(late, timeoutMs);
  }
  stream.on("data", (chunk: Buffer) => {
    if (!over) guard(() => splitter.push(chunk));
  });
  stream.once("end", () => {
    // Node ends a stream that was reset, too; "close" follows.
    if (over || stream.closed) return;
    ended = true;
    lateTimer.cancel();
    guard(() => {
      if (splitter.incomplete) throw new ConnectError("protocol error: incomplete envelope", Code.InvalidArgument);
      if (input === undefined) throw new ConnectError("protocol error: missing input message", Code.Unimplemented);
      void invoke(input);
    });
  });
}

function parse({ method }: UnaryMethod, bytes: Uint8Array, refuse: Refuse): Message {
  if (countElements(method.input, bytes, messageLimits.elements) > messageLimits.elements) throw refuse(manyElements);
  try {
    return fromBinary(method.input, bytes, { readUnknownFields: false });
  } catch (error) {
    throw new ConnectError(`parse binary: ${error instanceof Error ? error.message : String(error)}`, Code.Internal);
  }
}
