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
    const count = Math.min(atATime, options.plans - first);
    const numbers = Array.from({ length: count }, (_, index) => inOrderOfSessions(first + index, options));
    await Promise.all(numbers.map((number) => store.savePlan(sessionOf(number, options), createPlan(number))));
  }
  await store.close();
  return { close: () => Promise.resolve() };
};

/** Session by session: the pages of the index that a write touches are then those of the write before it. */
function inOrderOfSessions(index: number, { plans, sessions }: StoredPlans): number {
  const perSession = plans / sessions;
  return (index % perSession) * sessions + Math.floor(index / perSession);
}
