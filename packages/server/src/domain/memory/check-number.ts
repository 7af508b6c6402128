import { invalidField } from "./invalid-field.ts";

export interface NumberRule {
  readonly min: number;
  readonly max: number;
  /** Default: false. */
  readonly whole?: boolean;
  /** What the largest value is, for people. */
  readonly maxMeaning?: string;
}

/**
 * Returns `value` when it is within the rule.
 * @throws LoomError `invalid_argument` that names the field, the limit and the value.
 */
export function checkNumber(field: string, value: number, rule: NumberRule): number {
  if (value >= rule.min && value <= rule.max && (rule.whole !== true || Number.isSafeInteger(value))) return value;
  const kind = rule.whole === true ? "whole number" : "number";
  const meaning = rule.maxMeaning === undefined ? "" : ` (${rule.maxMeaning})`;
  throw invalidField(field, `is ${value}; a ${kind} from ${rule.min} to ${rule.max}${meaning} is allowed`, {
    limit: value < rule.min ? String(rule.min) : String(rule.max),
    value: String(value),
  });
}
