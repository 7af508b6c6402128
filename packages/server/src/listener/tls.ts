import { createPrivateKey, X509Certificate } from "node:crypto";
import type { TlsOptions as NodeTlsOptions } from "node:tls";
import { LoomError } from "@loom-bridge/protocol";

/** How a listener proves who it is, and whom it lets in. */
export interface TlsOptions {
  /** The certificate, and those between it and its root, as PEM. */
  cert: string;
  /** The certificate's private key, as PEM. */
  key: string;
  /** Certificates that clients must be signed by, as PEM. Default: none; clients need no certificate. */
  ca?: string;
  /** Whether clients must show a certificate that one of `ca` has signed. Default: `required`, when there is a `ca`. */
  clientCertificate?: "required" | "optional";
}

/**
 * Turns PEM into what Node's TLS server takes.
 * @throws LoomError `invalid_argument` that names the field that cannot be used. It never shows the key.
 */
export function readTlsOptions({ cert, key, ca, clientCertificate = "required" }: TlsOptions): NodeTlsOptions {
  const certificate = read("tls.cert", "a certificate", () => new X509Certificate(cert));
  const privateKey = read("tls.key", "a private key without a passphrase", () => createPrivateKey(key));
  if (ca !== undefined) read("tls.ca", "a certificate", () => new X509Certificate(ca));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new LoomError("invalid_argument", "tls.key does not belong to tls.cert; give the two of one pair", {
      details: { field: "tls.key" },
    });
  }
  if (ca === undefined) return { cert, key };
  // What an optional certificate is worth is looked at with each call.
  return { cert, key, ca, requestCert: true, rejectUnauthorized: clientCertificate === "required" };
}

function read<T>(field: string, wanted: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    const message = `${field} is not ${wanted} in PEM; give the text of the file, not its path`;
    throw new LoomError("invalid_argument", message, { cause, details: { field } });
  }
}
