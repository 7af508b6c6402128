import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { isIPv6 } from "node:net";
import type { ConnectRouter } from "@connectrpc/connect";

/** What Connect takes. */
export type UniversalRequest = Parameters<ConnectRouter["handlers"][number]>[0];

/**
 * Reads the head of a request, or returns nothing when its host fits into no URL. Connect's own reader throws then,
 * where nobody catches.
 */
export function readRequest(
  request: IncomingMessage | Http2ServerRequest,
): Pick<UniversalRequest, "header" | "httpVersion" | "method" | "url"> | undefined {
  const scheme = "encrypted" in request.socket && request.socket.encrypted === true ? "https" : "http";
  const authority = "authority" in request ? request.authority : request.headers.host;
  const base = URL.parse(`${scheme}://${withBrackets(authority ?? "")}`);
  const url = base === null ? null : URL.parse(request.url ?? "", base);
  if (url === null) return undefined;

  const header = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || name.startsWith(":")) continue;
    for (const one of typeof value === "string" ? [value] : value) header.append(name, one);
  }
  return { header, httpVersion: request.httpVersion, method: request.method ?? "", url: url.href };
}

/** Node's HTTP/2 client leaves the brackets out of `[::1]:50051`. */
function withBrackets(authority: string): string {
  const colon = authority.lastIndexOf(":");
  const host = authority.slice(0, colon);
  return isIPv6(host) ? `[${host}]${authority.slice(colon)}` : authority;
}
