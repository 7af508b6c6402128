import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { ClientCertificate, Presented } from "../domain/access/authenticator.ts";

const certificates = new WeakMap<TLSSocket, ClientCertificate>();

/** What a request shows of who makes it. */
export function readPresented(request: IncomingMessage | Http2ServerRequest, header: Headers): Presented {
  // With HTTP/2, the request's own socket is a proxy.
  const socket = "stream" in request ? request.stream.session?.socket : request.socket;
  return { header, certificate: readCertificate(socket), remoteAddress: socket?.remoteAddress ?? "" };
}

/** The client's certificate, if it is signed by one that the listener trusts, and valid. */
function readCertificate(socket: Socket | undefined): ClientCertificate | undefined {
  const secure = socket instanceof TLSSocket ? socket : undefined;
  if (secure === undefined || !secure.authorized) return undefined;
  const known = certificates.get(secure);
  if (known !== undefined) return known;
  const shown = secure.getPeerX509Certificate();
  if (shown === undefined) return undefined;
  const { CN } = shown.toLegacyObject().subject as { readonly CN?: string | string[] };
  const names = splitNames(shown.subjectAltName ?? "");
  const certificate = {
    // A subject may have several, and which one counts would be for its owner to choose.
    commonName: typeof CN === "string" ? CN : "",
    uris: names.filter(({ kind }) => kind === "URI").map(({ name }) => name),
    dnsNames: names.filter(({ kind }) => kind === "DNS").map(({ name }) => name),
    fingerprint: shown.fingerprint256.replaceAll(":", "").toLowerCase(),
    expiresMs: shown.validToDate.getTime(),
  };
  certificates.set(secure, certificate);
  return certificate;
}

/**
 * Reads Node's form of a subjectAltName, `DNS:a, URI:b`. A name with a comma or a quote in it is written as JSON.
 * https://nodejs.org/api/crypto.html#x509subjectaltname
 */
export function splitNames(text: string): { readonly kind: string; readonly name: string }[] {
  const entry = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;
  const names: { kind: string; name: string }[] = [];
  while (entry.lastIndex < text.length) {
    const match = entry.exec(text);
    if (match === null) return [];
    const [, kind = "", name = ""] = match;
    names.push({ kind, name: name.startsWith('"') ? String(JSON.parse(name)) : name });
  }
  return names;
}
