import { type Spread, spreadOf } from "./statistics.ts";

/** What a benchmark found. */
export interface Report {
  readonly name: string;
  /** What was done, in a sentence. */
  readonly what: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly ratios: readonly Ratio[];
  /** Who did not run, and why. */
  readonly skipped: readonly string[];
}

export interface Column {
  readonly key: string;
  readonly title: string;
  /** Decimals to show. Default: 0. */
  readonly digits?: number;
}

export interface Row {
  readonly label: string;
  /** By column; a column without runs is empty. */
  readonly values: Readonly<Record<string, Spread>>;
}

export interface Ratio {
  readonly what: string;
  readonly value: number;
  readonly digits: number;
  readonly target?: Target;
}

export interface Target {
  readonly kind: "at least" | "at most";
  readonly value: number;
}

export function createRow<Result>(
  label: string,
  results: readonly Result[],
  read: Readonly<Record<string, (result: Result) => number | undefined>>,
): Row {
  const values: Record<string, Spread> = {};
  for (const [key, readOne] of Object.entries(read)) {
    const runs = results.map(readOne).filter((value) => value !== undefined);
    if (runs.length > 0) values[key] = spreadOf(runs);
  }
  return { label, values };
}

/** The median of a row's column. */
export function medianOf(rows: readonly Row[], label: string, key: string): number | undefined {
  return rows.find((row) => row.label === label)?.values[key]?.median;
}

/** A ratio of two medians, or nothing where one was not measured. */
export function ratioOf(
  what: string,
  over: number | undefined,
  under: number | undefined,
  target?: Target,
  digits = 2,
): Ratio[] {
  if (over === undefined || under === undefined) return [];
  return [{ what, value: over / under, digits, ...(target === undefined ? {} : { target }) }];
}

/** A number that a target speaks of by itself. */
export function valueOf(what: string, value: number | undefined, target: Target, digits = 1): Ratio[] {
  return value === undefined ? [] : [{ what, value, digits, target }];
}

export function isMet({ value, target }: Ratio): boolean | undefined {
  if (target === undefined) return undefined;
  return target.kind === "at least" ? value >= target.value : value <= target.value;
}

export const atLeast = (value: number): Target => ({ kind: "at least", value });
export const atMost = (value: number): Target => ({ kind: "at most", value });
