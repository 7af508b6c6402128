import { LoomError } from "@loom-bridge/protocol";
import { z } from "zod";
import type { Principal, PrincipalLimits } from "../domain/access/principal.ts";
import { type GrantsInit, grantsSchema, mergeGrants, type RulesInit } from "./grants-init.ts";

/** Who somebody is, as a program says it. */
export interface PrincipalInit {
  /** Its name, unique within its tenant: 1 to 256 bytes without control characters. */
  readonly subject: string;
  /** The space that it lives in: up to 63 of `a-z 0-9 -`. Default: the default one. */
  readonly tenant?: string | undefined;
  /** The agents that it may be, in place of `grants.agents.as`. */
  readonly agentIds?: RulesInit | undefined;
  /** Default: none. */
  readonly grants?: GrantsInit | undefined;
  readonly limits?: PrincipalLimits | undefined;
  /** When its credentials end, in milliseconds since the Unix epoch. Default: never. */
  readonly expiresMs?: number | undefined;
}

/** Becomes a part of file names, which some systems do not tell apart by case. */
export const tenantSchema: z.ZodType<string> = z
  .string()
  .regex(/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)?$/, "is not up to 63 of a-z 0-9 -, with no - at its ends");

export const subjectSchema: z.ZodType<string> = z
  .string()
  .min(1, "is empty")
  .refine((text) => Buffer.byteLength(text) <= 256, "has more than 256 bytes")
  .refine((text) => !/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(text), "has a control character");

export const principalLimitsSchema: z.ZodType<PrincipalLimits> = z.strictObject({
  agents: z.int().min(1).optional(),
  streams: z.int().min(1).optional(),
});

const schema = z.strictObject({
  subject: subjectSchema,
  tenant: tenantSchema.optional(),
  grants: grantsSchema.optional(),
  limits: principalLimitsSchema.optional(),
  expiresMs: z.number().optional(),
});

/** @throws LoomError `invalid_argument` that names the field. */
export function createPrincipal(init: PrincipalInit): Principal {
  const { agentIds, ...rest } = init;
  const grants =
    agentIds === undefined ? init.grants : { ...init.grants, agents: { ...init.grants?.agents, as: agentIds } };
  const checked = schema.safeParse({ ...rest, grants });
  if (!checked.success) {
    const problems = checked.error.issues.map(({ path, message }) => `${path.join(".") || "it"} ${message}`);
    throw new LoomError("invalid_argument", `this is no principal: ${problems.join("; ")}`);
  }
  const { subject, tenant = "", limits = {}, expiresMs } = init;
  return {
    tenant,
    subject,
    grants: mergeGrants(grants === undefined ? [] : [grants]),
    limits,
    expiresMs,
  };
}
