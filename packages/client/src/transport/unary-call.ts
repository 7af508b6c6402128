import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { validateTrailer } from "@connectrpc/connect/protocol-grpc";
import { limits } from "@loom-bridge/protocol";
import { EnvelopeWriter, MessageSplitter } from "@loom-bridge/protocol/wire";
import { checkHead, resetError, toHeaders } from "./grpc-response.ts";

export interface UnaryCallOptions<Input extends DescMessage, Output extends DescMessage> {
  readonly open: () => Promise<ClientHttp2Stream>;
  readonly input: Input;
  readonly output: Output;
  readonly message: MessageInitShape<Input>;
  /** Ends the call as cancelled. */
  readonly signal: AbortSignal | undefined;
}

export interface UnaryAnswer<Output extends DescMessage> {
  readonly message: MessageShape<Output>;
  readonly header: IncomingHttpHeaders;
  readonly trailer: IncomingHttpHeaders;
}

/**
 * Makes one call with one message each way on a stream of node:http2. It has no deadline of its own: the signal is.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export async function callOnce<Input extends DescMessage, Output extends DescMessage>(
  options: UnaryCallOptions<Input, Output>,
): Promise<UnaryAnswer<Output>> {
  const { open, signal } = options;
  const bytes = encode(options.input, options.message);
  if (signal?.aborted === true) throw canceled(signal);
  const stream = await open();
  return await new Promise((resolve, reject) => {
    let header: IncomingHttpHeaders = {};
    let trailer: IncomingHttpHeaders = {};
    let message: MessageShape<Output> | undefined;
    let hasStatus = false;
    let over = false;

    function close(): boolean {
      if (over) return false;
      over = true;
      signal?.removeEventListener("abort", onAbort);
      return true;
    }
    function fail(error: unknown): void {
      if (!close()) return;
      stream.close(constants.NGHTTP2_CANCEL);
      reject(error as Error);
    }
    function onAbort(): void {
      fail(canceled(signal));
    }
    function guard(work: () => void): void {
      try {
        work();
      } catch (error) {
        fail(error);
      }
    }
    /** The bridge has said all. */
    function finish(): void {
      // Headers are slow to make, and OK needs no look at them.
      if (!hasStatus && trailer["grpc-status"] !== "0") validateTrailer(toHeaders(trailer), new Headers());
      if (splitter.incomplete) throw new ConnectError("protocol error: incomplete message", Code.DataLoss);
      if (message === undefined) throw new ConnectError("protocol error: missing output message", Code.Unimplemented);
      if (close()) resolve({ message, header, trailer });
    }

    const splitter = new MessageSplitter({
      maxBytes: limits.messageBytes,
      onMessage(chunk) {
        if (message !== undefined) throw new ConnectError("protocol error: extra output message", Code.Unimplemented);
        message = fromBinary(options.output, chunk);
      },
    });
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted === true) return onAbort();
    stream.on("response", (headers) => {
      header = headers;
      guard(() => (hasStatus = checkHead(headers)));
    });
    stream.on("trailers", (trailers) => (trailer = trailers));
    stream.on("data", (chunk: Buffer) => {
      guard(() => splitter.push(chunk));
    });
    stream.once("end", () => {
      // Node ends a stream that was reset, too; "close" follows.
      if (!stream.closed || "grpc-status" in trailer) guard(finish);
    });
    stream.on("error", (error) => fail(ConnectError.from(error, Code.Unavailable)));
    stream.once("close", () => {
      if ("grpc-status" in trailer) guard(finish);
      else fail(resetError(stream.rstCode));
    });
    stream.end(bytes);
  });
}

function encode<Input extends DescMessage>(schema: Input, message: MessageInitShape<Input>): Uint8Array {
  const writer = new EnvelopeWriter(limits.messageBytes);
  let bytes: Uint8Array;
  try {
    bytes = toBinary(schema, create(schema, message));
  } catch (error) {
    throw new ConnectError(
      `serialize binary: ${error instanceof Error ? error.message : String(error)}`,
      Code.Internal,
    );
  }
  writer.begin(bytes.length);
  writer.bytes(bytes);
  return writer.take();
}

function canceled(signal: AbortSignal | undefined): ConnectError {
  return ConnectError.from(signal?.reason, Code.Canceled);
}
