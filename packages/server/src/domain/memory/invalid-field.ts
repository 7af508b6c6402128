import { LoomError } from "@loom-bridge/protocol";

/** The error for a field of a request that breaks a rule. Names the field as the protocol spells it. */
export function invalidField(field: string, problem: string, facts: Readonly<Record<string, string>> = {}): LoomError {
  return new LoomError("invalid_argument", `${field} ${problem}`, { details: { field, ...facts } });
}
