import type { ServiceImpl } from "@connectrpc/connect";
import type { AdminService } from "@loom-bridge/protocol/messages";
import type { Audit } from "../domain/access/audit.ts";
import type { ReloadOutcome } from "../domain/access/gatekeeper.ts";
import { acts } from "../domain/access/grants.ts";
import { accessOf } from "./access-of.ts";

export interface AdminServiceOptions {
  /** Reads everything anew that may have changed, and asks again about everybody who is here. */
  readonly reload: () => Promise<ReloadOutcome>;
  readonly audit: Audit;
}

export function createAdminService({ reload, audit }: AdminServiceOptions): ServiceImpl<typeof AdminService> {
  return {
    whoAmI(_request, context) {
      const { principal, agentId = "" } = accessOf(context);
      const { subject, tenant, grants, expiresMs = 0 } = principal;
      return {
        subject,
        tenant,
        agentId,
        expiresMs: BigInt(Math.floor(expiresMs)),
        grants: acts.map((act) => ({ act, allow: [...grants[act].allow], deny: [...grants[act].deny] })),
      };
    },

    async reload(_request, context) {
      const access = accessOf(context);
      access.check("admin", "reload");
      const { subject, tenant } = access.principal;
      const outcome = await reload();
      const remoteAddress = access.presented?.remoteAddress;
      audit.note("administered", `${tenant}/${subject}`, { act: "reload", subject, tenant, remoteAddress, ...outcome });
      return outcome;
    },
  };
}
