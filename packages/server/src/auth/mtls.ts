import type { Authenticator, ClientCertificate } from "../domain/access/authenticator.ts";
import { unauthenticated } from "../domain/access/refusals.ts";
import type { Policy } from "./policy.ts";

/** Which name of a certificate is its owner's: the URI or the DNS name of its subjectAltName, or its common name. */
export type CertificateName = "uri" | "dns" | "cn";

/**
 * Knows clients by the certificates that they showed when they connected. The listener has checked who signed them; they
 * end when they expire.
 */
export function createCertificateAuthenticator(policy: () => Policy, name: CertificateName): Authenticator {
  return {
    authenticate({ certificate }) {
      if (certificate === undefined) return undefined;
      const subject = subjectOf(certificate, name);
      if (subject === undefined) throw unauthenticated("invalid");
      const { expiresMs, fingerprint } = certificate;
      const tenant = policy().tenantOf(subject);
      policy().refuseRevoked({ subject, tenant, certificate: fingerprint });
      return policy().principalOf(subject, { tenant, expiresMs });
    },
  };
}

/** One that has several would choose who it is. */
function subjectOf({ uris, dnsNames, commonName }: ClientCertificate, name: CertificateName): string | undefined {
  const names = name === "uri" ? uris : name === "dns" ? dnsNames : [commonName];
  return names.length === 1 && names[0] !== "" ? names[0] : undefined;
}
