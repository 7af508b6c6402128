import type { Principal } from "./principal.ts";

/** A certificate that the transport has verified. */
export interface ClientCertificate {
  /** The common name of its subject; empty if there is none. */
  readonly commonName: string;
  /** The names of its subjectAltName, by their kind. */
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  /** The SHA-256 of the whole certificate, in lower-case hexadecimal digits. */
  readonly fingerprint: string;
  /** When it ends, in milliseconds since the Unix epoch. */
  readonly expiresMs: number;
}

/** What a call shows of who makes it, before a byte of its body is read. */
export interface Presented {
  /** Its headers, by lower-case name. */
  readonly header: { get(name: string): string | null };
  /** Undefined: the client showed none, or one that its issuer does not vouch for. */
  readonly certificate: ClientCertificate | undefined;
  /** Where it comes from, for the log; empty in memory. */
  readonly remoteAddress: string;
}

/**
 * The port behind which credentials are checked. Asked once for each call, and again for everybody who has a stream open
 * when keys or rules were changed.
 */
export interface Authenticator {
  /**
   * Says whom the credentials belong to. Undefined: there are none of the kind that it knows.
   * @throws LoomError `unauthenticated` when they are not valid, `unavailable` when that cannot be found out now.
   */
  authenticate(presented: Presented): Principal | undefined | Promise<Principal | undefined>;
  /** Reads its keys and rules anew. @throws LoomError that says what is wrong; those that were there stay then. */
  reload?(): Promise<void>;
}
