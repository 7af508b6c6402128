import { constants, type IncomingHttpHeaders } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { validateResponse } from "@connectrpc/connect/protocol-grpc";

/**
 * Checks the head of an answer. Returns whether it has the status that others have in their trailers.
 * @throws ConnectError that it says, or for what is no answer of gRPC
 */
export function checkHead(headers: IncomingHttpHeaders & { ":status"?: number | undefined }): boolean {
  // The usual one needs no Headers, which are slow to make.
  const { ":status": status, "content-type": type, "grpc-status": grpcStatus } = headers;
  if (status === 200 && type === "application/grpc+proto" && grpcStatus === undefined) return false;
  const { headerError, foundStatus } = validateResponse(headers[":status"] ?? 0, toHeaders(headers));
  if (headerError !== undefined) throw headerError;
  return foundStatus;
}

export function toHeaders(from: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(from)) {
    if (name.startsWith(":") || value === undefined) continue;
    for (const each of [value].flat()) headers.append(name, each);
  }
  return headers;
}

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#errors */
export function resetError(code: number | undefined): ConnectError {
  const codes: Readonly<Record<number, Code>> = {
    [constants.NGHTTP2_REFUSED_STREAM]: Code.Unavailable,
    [constants.NGHTTP2_CANCEL]: Code.Canceled,
    [constants.NGHTTP2_ENHANCE_YOUR_CALM]: Code.ResourceExhausted,
    [constants.NGHTTP2_INADEQUATE_SECURITY]: Code.PermissionDenied,
    [constants.NGHTTP2_HTTP_1_1_REQUIRED]: Code.PermissionDenied,
  };
  return new ConnectError(`the stream was closed with HTTP/2 error code ${code}`, codes[code ?? 0] ?? Code.Internal);
}
