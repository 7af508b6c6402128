import { z } from "zod";
import { subjectSchema, tenantSchema } from "./principal-init.ts";

/** What is known of credentials that somebody shows. */
export interface Credentials {
  readonly subject: string;
  readonly tenant: string;
  /** The `jti` of a token. */
  readonly tokenId?: string | undefined;
  /** The `kid` of the key that a token is signed with. */
  readonly tokenKey?: string | undefined;
  /** The SHA-256 of a certificate, in lower-case hexadecimal digits. */
  readonly certificate?: string | undefined;
}

const names = z.array(z.string().min(1)).max(10_000).default([]);

/** As `openssl x509 -fingerprint -sha256` prints it, or without its colons. */
const fingerprint = z
  .string()
  .transform((text) => text.replaceAll(":", "").toLowerCase())
  .refine((text) => /^[0-9a-f]{64}$/.test(text), "is not the SHA-256 of a certificate, 64 hexadecimal digits");

/** Credentials that count no more, although nothing is wrong with them otherwise. */
export interface Revocations {
  readonly subjects: readonly { readonly subject: string; readonly tenant: string }[];
  readonly tokens: readonly string[];
  readonly tokenKeys: readonly string[];
  readonly certificates: readonly string[];
}

/** Checks the form of what a policy revokes, and fills in what it leaves out. */
export const revocationsSchema: z.ZodType<Revocations> = z.strictObject({
  subjects: z
    .array(z.strictObject({ subject: subjectSchema, tenant: tenantSchema.default("") }))
    .max(10_000)
    .default([]),
  tokens: names,
  tokenKeys: names,
  certificates: z.array(fingerprint).max(10_000).default([]),
});

/** Returns what tells whether credentials were revoked, with one look-up for each thing that is known of them. */
export function createRevocations(revoked: Revocations): (shown: Credentials) => boolean {
  const nameOf = ({ subject, tenant }: Pick<Credentials, "subject" | "tenant">): string => `${tenant}\0${subject}`;
  const subjects = new Set(revoked.subjects.map(nameOf));
  const [tokens, tokenKeys, certificates] = [
    new Set<string | undefined>(revoked.tokens),
    new Set<string | undefined>(revoked.tokenKeys),
    new Set<string | undefined>(revoked.certificates),
  ];
  return (shown) =>
    subjects.has(nameOf(shown)) ||
    tokens.has(shown.tokenId) ||
    tokenKeys.has(shown.tokenKey) ||
    certificates.has(shown.certificate);
}
