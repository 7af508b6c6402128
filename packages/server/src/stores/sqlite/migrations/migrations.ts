import { plansAndExecutions } from "./0001-plans-and-executions.ts";
import { executionClaims } from "./0002-execution-claims.ts";
import { callResults } from "./0003-call-results.ts";

/**
 * The steps from an empty file to the schema of this version, in order. A file's `user_version` says how many it has
 * taken. A released step never changes; a new one is added at the end.
 */
export const migrations: readonly string[] = [plansAndExecutions, executionClaims, callResults];
