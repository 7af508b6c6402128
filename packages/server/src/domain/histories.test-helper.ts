import type { TestContext } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";

export interface Histories<Step> {
  /** One of the things that can happen. */
  readonly step: fc.Arbitrary<Step>;
  /** Lets everything happen, in order, and checks what must be true. */
  readonly run: (steps: readonly Step[]) => Promise<void>;
  readonly count: number;
  /** Default: 50. */
  readonly maxSteps?: number;
}

/**
 * Makes up histories and runs each. Prints its seed; LOOM_SEED repeats it. One that fails is shortened and printed with
 * what went wrong.
 */
export async function runHistories<Step>(context: TestContext, histories: Histories<Step>): Promise<void> {
  const { step, run, count, maxSteps = 50 } = histories;
  const seed = Number(process.env["LOOM_SEED"] ?? Date.now() % 1_000_000);
  context.diagnostic(`LOOM_SEED=${seed}`);
  const property = fc.asyncProperty(fc.array(step, { maxLength: maxSteps, size: "max" }), run);
  const { failed, counterexample, errorInstance } = await fc.check(property, { numRuns: count, seed });
  if (!failed) return;
  const steps = counterexample?.[0].map((each) => inspect(each, { breakLength: Number.POSITIVE_INFINITY })) ?? [];
  throw new Error(`LOOM_SEED=${seed} fails after these steps:\n${steps.join("\n")}\n${inspect(errorInstance)}`, {
    cause: errorInstance,
  });
}
