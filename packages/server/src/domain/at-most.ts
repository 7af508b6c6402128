import { type ErrorCode, LoomError } from "@loom-bridge/protocol";

/** A number that a field has, and the limit of it. */
export interface Measured<Name extends string> {
  readonly field: string;
  /** What the number counts: `bytes`, `pairs`. */
  readonly unit: string;
  readonly count: number;
  readonly limit: Name;
  /** Default: `invalid_argument`. */
  readonly code?: ErrorCode;
}

/** @throws LoomError that names the field, the limit and its value, when there are more than allowed. */
export function atMost<Name extends string>(
  allowed: Readonly<Record<Name, number>>,
  { field, unit, count, limit, code = "invalid_argument" }: Measured<Name>,
): void {
  const most = allowed[limit];
  if (count <= most) return;
  const problem = `${field} has ${count} ${unit}; at most ${most} are allowed (${limit}); send less`;
  throw new LoomError(code, problem, { details: { field, limit, value: String(most) } });
}
