import { type ConnectError, type ContextKey, createContextKey } from "@connectrpc/connect";
import type { Access } from "../domain/access/access.ts";

/** What the one who makes a call may do, or why it is refused. */
export type Admission = Access | ConnectError;

/** Where the handlers of a call find its admission. */
export const admissionKey: ContextKey<Admission | undefined> = createContextKey<Admission | undefined>(undefined, {
  description: "who makes the call",
});
