import { everything, type Grants } from "./grants.ts";

/** What one principal may have open at a time, where it is another number than for others. */
export interface PrincipalLimits {
  /** Live sessions. Default: `agentsPerPrincipal` of the bridge. */
  readonly agents?: number | undefined;
  /** Streams without a session: subscriptions, and watching agents. Default: `streamsPerPrincipal` of the bridge. */
  readonly streams?: number | undefined;
}

/** Who is on the other side of a call, as its credentials prove. */
export interface Principal {
  /** The space that everything of it lives in. Empty: the default one. */
  readonly tenant: string;
  /** Its name, unique within its tenant. Empty: nobody asked. */
  readonly subject: string;
  readonly grants: Grants;
  readonly limits: PrincipalLimits;
  /** When its credentials end, in milliseconds since the Unix epoch. Undefined: never. */
  readonly expiresMs: number | undefined;
}

/** Everybody, where nobody is asked who they are. */
export const anybody: Principal = {
  tenant: "",
  subject: "",
  grants: everything,
  limits: { agents: Number.POSITIVE_INFINITY, streams: Number.POSITIVE_INFINITY },
  expiresMs: undefined,
};
