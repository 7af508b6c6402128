import { constants, type Http2ServerResponse } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { parseTimeout, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { LoomError, type Runtime, type Timer } from "@loom-bridge/protocol";
import { MessageSplitter } from "@loom-bridge/protocol/wire";
import type { Access } from "../domain/access/access.ts";
import type { Breaches } from "../domain/breaches.ts";
import type { Logger } from "../domain/logger.ts";
import { closeAfterTrailers } from "./close-after-trailers.ts";
import type { Connection } from "./connection.ts";
import { createInboundRate } from "./inbound-rate.ts";
import type { ListenerLimits } from "./listener-limits.ts";
import type { Members } from "./members.ts";
import type { MessageStream, MessageStreamHandler } from "./message-stream.ts";
import type { Call } from "./node-adapter.ts";
import type { Refuse } from "./refusal.ts";
import { createStallWatch } from "./stall-watch.ts";

export interface RawCallOptions {
  response: Http2ServerResponse;
  /** The request's headers, with a deadline that is short enough. */
  header: Headers;
  handler: MessageStreamHandler;
  access: Access;
  calls: Members<Call>;
  connection: Connection;
  refuse: Refuse;
  breaches: Breaches;
  limits: ListenerLimits;
  logger: Logger;
  runtime: Runtime;
}

/** What a client has to read the rest and the status of a call that ended, before it is reset. */
const farewellMs = 10_000;

/**
 * Serves one gRPC call on HTTP/2 without Connect, whose iterators cost more than everything else that a message
 * needs. What clients see is the same. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export function serveRawCall(options: RawCallOptions): void {
  // Not `options` itself in what lives as long as the call: it holds the headers.
  const { response, header, handler, access, calls, connection, limits, logger, runtime, refuse, breaches } = options;
  const { stream } = response;
  const rate = createInboundRate(options);
  /** Who wants no more messages for now. */
  const pausing = { handler: false, rate: false };
  /** The call has its status, or its client has left. */
  let over = false;
  /** The client has said all, and the handler does not know yet. */
  let ended = false;
  let timer: Timer | undefined;

  function sendHead(): void {
    if (!response.headersSent) response.writeHead(200, { "content-type": "application/grpc+proto" });
  }

  function end(error?: ConnectError): void {
    if (over) return;
    over = true;
    breaches.countError(error?.cause);
    stall.drained();
    rate.close();
    timer?.cancel();
    timer = runtime.setTimer(() => stream.close(constants.NGHTTP2_CANCEL), farewellMs);
    sendHead();
    response.addTrailers(Object.fromEntries(setTrailerStatus(new Headers(), error)));
    closeAfterTrailers(stream, runtime);
    response.end();
    // What the client still sends is thrown away.
    stream.resume();
  }

  function abort(reason: ConnectError): void {
    if (over) return;
    end(reason);
    receiver.onAbort(reason);
  }

  /** What a defect throws must not end the process. */
  function guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof ConnectError) return abort(error);
      if (LoomError.isInstance(error)) return abort(refuse(error));
      logger.error("a call failed", { error });
      abort(new ConnectError("internal error", Code.Internal));
    }
  }

  function endInput(): void {
    if (over) return;
    ended = false;
    if (splitter.incomplete) throw new ConnectError("protocol error: incomplete envelope", Code.InvalidArgument);
    receiver.onEnd();
  }

  function pause(by: "handler" | "rate"): void {
    pausing[by] = true;
    splitter.pause();
    stream.pause();
  }

  function resume(by: "handler" | "rate"): void {
    pausing[by] = false;
    guard(() => {
      if (pausing.handler || pausing.rate || !splitter.resume() || over) return;
      stream.resume();
      if (ended) endInput();
    });
  }

  const splitter = new MessageSplitter({
    maxBytes: limits.readMaxBytes,
    onMessage: (message) => {
      if (over) return;
      receiver.onMessage(message);
      let isLate = true;
      rate.spend(message.length, () => {
        if (pausing.rate) resume("rate");
        else isLate = false;
      });
      if (isLate) pause("rate");
    },
  });
  const stall = createStallWatch({
    runtime,
    timeoutMs: limits.writeStallTimeoutMs,
    bytesTaken: () => connection.bytesTaken,
    onStall() {
      const value = limits.writeStallTimeoutMs;
      const message = `the client took hardly anything for writeStallTimeoutMs, ${value}; read faster, or subscribe to less`;
      abort(refuse({ code: "resource_exhausted", limit: "writeStallTimeoutMs", value, message, retryable: true }));
    },
  });
  const call: Call = { streaming: true, end: abort };
  calls.add(call);
  connection.calls.add(call);
  // An error is followed by "close", and there is nobody to tell.
  stream.on("error", () => {});
  stream.once("close", () => {
    timer?.cancel();
    stall.drained();
    rate.close();
    calls.delete(call);
    connection.calls.delete(call);
    if (over) return;
    over = true;
    guard(() => receiver.onAbort(new ConnectError("the client went away", Code.Canceled)));
  });

  const { timeoutMs, error } = parseTimeout(header.get("grpc-timeout"), limits.maxTimeoutMs);
  if (error !== undefined) return end(error);
  if (timeoutMs !== undefined) {
    const late = (): void => abort(new ConnectError("the operation timed out", Code.DeadlineExceeded));
    timer = runtime.setTimer(late, timeoutMs);
  }
  const wire: MessageStream = {
    writeMaxBytes: limits.writeMaxBytes,
    pause: () => pause("handler"),
    resume: () => resume("handler"),
    write(envelopes) {
      if (over) return false;
      sendHead();
      const hasRoom = stream.write(envelopes);
      if (!hasRoom) stall.blocked();
      return hasRoom;
    },
    end,
  };
  const receiver = handler(wire, access);
  stream.on("drain", () => {
    stall.drained();
    if (!over) guard(() => receiver.onDrain());
  });
  stream.on("data", (chunk: Buffer) => {
    if (!over) guard(() => splitter.push(chunk));
  });
  stream.once("end", () => {
    // Node ends a stream that was reset, too; "close" follows.
    ended = !stream.closed;
    // And it ends one that is paused.
    if (ended && !splitter.paused) guard(endInput);
  });
}

/** Whether a request is one that {@link serveRawCall} understands: gRPC in binary, without compression. */
export function isRawGrpc(method: string, header: Headers): boolean {
  return (
    method === "POST" &&
    /^application\/grpc(?:\+proto)?$/.test(header.get("content-type") ?? "") &&
    header.get("te") === "trailers" &&
    (header.get("grpc-encoding") ?? "identity") === "identity"
  );
}
