import type { Session } from "./session.ts";

/** An agent came, or went, or opened a newer session in place of one that was live. */
export type SessionChange =
  | {
      readonly kind: "online";
      readonly session: Session;
      /** The session that this one took over from. */
      readonly replaced: Session | undefined;
    }
  | { readonly kind: "offline"; readonly session: Session; readonly reason: string };
