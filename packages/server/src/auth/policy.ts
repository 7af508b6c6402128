import { LoomError } from "@loom-bridge/protocol";
import { z } from "zod";
import type { Principal } from "../domain/access/principal.ts";
import { unauthenticated } from "../domain/access/refusals.ts";
import { type GrantsInit, grantsSchema, mergeGrants } from "./grants-init.ts";
import { principalLimitsSchema, subjectSchema, tenantSchema } from "./principal-init.ts";
import { type Credentials, createRevocations, revocationsSchema } from "./revocations.ts";

/** What a policy says of one key; never the key. */
export interface KeyEntry {
  readonly id: string;
  /** `sha256:` and the hash of the whole key, in hexadecimal digits. */
  readonly hash: string;
  readonly subject: string;
  readonly tenant: string;
  readonly expiresMs: number | undefined;
}

/** What credentials say of their subject besides its name. */
export interface Claimed {
  readonly tenant?: string | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly grants?: GrantsInit | undefined;
  readonly expiresMs?: number | undefined;
}

/** Who may do what, as a file says it. */
export interface Policy {
  /**
   * A subject with what its roles and it itself are granted, and what everybody is.
   * @throws LoomError `invalid_argument` when it claims a role that there is not.
   */
  principalOf(subject: string, claimed?: Claimed): Principal;
  /** The tenant of a subject whose credentials name none. */
  tenantOf(subject: string): string;
  key(id: string): KeyEntry | undefined;
  /** @throws LoomError `unauthenticated` when the policy has revoked what is shown. */
  refuseRevoked(shown: Credentials): void;
  /** Where a subject's grants come from, such as `role reader`. */
  partsOf(subject: string, claimed?: Claimed): readonly GrantPart[];
  readonly roles: readonly string[];
}

/** A part of what somebody is granted, and where it stands. */
export interface GrantPart {
  readonly from: string;
  readonly grants: GrantsInit;
}

const roleNames = z.array(z.string().min(1)).max(64);
const time = z.iso.datetime({ offset: true }).pipe(z.coerce.date());

const schema = z.strictObject({
  roles: z.record(z.string().min(1), grantsSchema).default({}),
  everyone: roleNames.default([]),
  subjects: z
    .array(
      z.strictObject({
        subject: subjectSchema,
        tenant: tenantSchema.default(""),
        roles: roleNames.default([]),
        grants: grantsSchema.optional(),
        limits: principalLimitsSchema.default({}),
      }),
    )
    .default([]),
  keys: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[a-z0-9]{4,32}$/, "is not 4 to 32 of a-z 0-9"),
        hash: z.string().regex(/^sha256:[0-9a-f]{64}$/, "is not sha256: and 64 hexadecimal digits"),
        subject: subjectSchema,
        tenant: tenantSchema.default(""),
        expires: time.optional(),
      }),
    )
    .default([]),
  revoked: revocationsSchema.prefault({}),
});

/**
 * Reads what a policy file holds.
 * @param document the parsed file; nothing is a policy that grants nothing
 * @throws LoomError `invalid_argument` that names each place that is wrong.
 */
export function createPolicy(document: unknown): Policy {
  const checked = schema.safeParse(document ?? {});
  if (!checked.success) {
    throw invalid(checked.error.issues.map(({ path, message }) => `${path.join(".") || "the file"} ${message}`));
  }
  const { roles, everyone, subjects, keys, revoked } = checked.data;
  const isRevoked = createRevocations(revoked);
  const subjectKey = (subject: string, tenant: string): string => `${tenant}\0${subject}`;
  const bySubject = new Map(subjects.map((entry) => [subjectKey(entry.subject, entry.tenant), entry]));
  const byKeyId = new Map(keys.map(({ expires, ...key }) => [key.id, { ...key, expiresMs: expires?.getTime() }]));
  const known = new Map(Object.entries(roles));
  const problems = [
    ...duplicates(subjects, ({ subject, tenant }) => subjectKey(subject, tenant)).map(
      ({ subject }) => `subjects has ${JSON.stringify(subject)} twice; write it once, with all of its roles`,
    ),
    ...duplicates(keys, ({ id }) => id).map(({ id }) => `keys has the id ${id} twice`),
    ...unknownRoles("everyone", everyone),
    ...subjects.flatMap((entry) => unknownRoles(`the subject ${JSON.stringify(entry.subject)}`, entry.roles)),
  ];
  if (problems.length > 0) throw invalid(problems);

  function unknownRoles(where: string, names: readonly string[]): string[] {
    const there = [...known.keys()].join(", ") || "none";
    return names
      .filter((name) => !known.has(name))
      .map((name) => `${where} has the role ${JSON.stringify(name)}, which roles does not define; there are ${there}`);
  }

  function partsOf(subject: string, { tenant = "", roles: claimedRoles = [], grants }: Claimed = {}): GrantPart[] {
    const unknown = unknownRoles("the token", claimedRoles);
    if (unknown.length > 0) throw invalid(unknown);
    const entry = bySubject.get(subjectKey(subject, tenant));
    const names = new Set([...everyone, ...(entry?.roles ?? []), ...claimedRoles]);
    const parts = [...names].map((name) => ({ from: `role ${name}`, grants: known.get(name) }));
    parts.push({ from: `subject ${subject}`, grants: entry?.grants }, { from: "the token", grants });
    return parts.filter((part): part is GrantPart => part.grants !== undefined);
  }

  return {
    roles: [...known.keys()],
    partsOf,
    key: (id) => byKeyId.get(id),
    refuseRevoked(shown) {
      if (isRevoked(shown)) throw unauthenticated("revoked");
    },
    tenantOf: (subject) => subjects.find((entry) => entry.subject === subject)?.tenant ?? "",
    principalOf(subject, claimed = {}) {
      const { tenant = "", expiresMs } = claimed;
      const entry = bySubject.get(subjectKey(subject, tenant));
      const grants = mergeGrants(partsOf(subject, claimed).map((part) => part.grants));
      return { tenant, subject, grants, limits: entry?.limits ?? {}, expiresMs };
    },
  };
}

function duplicates<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  const seen = new Set<string>();
  return items.filter((item) => seen.size === seen.add(keyOf(item)).size);
}

function invalid(problems: readonly string[]): LoomError {
  return new LoomError("invalid_argument", `this is no policy: ${problems.join("; ")}`, {
    details: { field: "auth.policy" },
  });
}
