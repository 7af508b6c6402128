import { openSqliteStore } from "../peers/internals.ts";
import type { StartRole } from "../worker/role.ts";
import { createPlan, type StoredPlans, sessionOf } from "./plans.ts";

export interface PlanLoaderOptions extends StoredPlans {
  readonly dataFile: string;
}

const atATime = 5000;

/** Fills a database file through the store, then closes it. */
export const start: StartRole<PlanLoaderOptions> = async (options) => {
  const store = await openSqliteStore(options.dataFile);
  for (let first = 0; first < options.plans; first += atATime) {
    const numbers = Array.from({ length: Math.min(atATime, options.plans - first) }, (_, index) => first + index);
    await Promise.all(numbers.map((number) => store.savePlan(sessionOf(number, options), createPlan(number))));
  }
  await store.close();
  return { close: () => Promise.resolve() };
};
