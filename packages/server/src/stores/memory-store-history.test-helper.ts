import assert from "node:assert/strict";
import fc from "fast-check";
import { defaultMemoryCapacity, type MemoryCapacity } from "../domain/memory/memory-capacity.ts";
import type { MemoryStore } from "../domain/memory/memory-store.ts";
import { createMemoryStoreModel } from "./memory-store-model.test-helper.ts";
import { sampleExecution, samplePlan } from "./memory-store-samples.test-helper.ts";

/** What the contract needs of a driver. */
export interface MemoryStoreDriver {
  /** Opens an empty store. What it leaves behind is removed by the caller of the contract. */
  open(capacity?: Partial<MemoryCapacity>): Promise<MemoryStore>;
  /** How many random histories are compared with the model. */
  histories: number;
}

/** A call to a store; it prints what it is when a history fails. */
class StoreCall {
  readonly #text: string;
  readonly run: (store: MemoryStore) => Promise<unknown>;

  constructor(text: string, run: (store: MemoryStore) => Promise<unknown>) {
    this.#text = text;
    this.run = run;
  }

  toString(): string {
    return this.#text;
  }
}

// Few values, some often, so that they meet.
const session = fc.constantFrom("one", "one", "one", "one", "two", "three");
const symbol = fc.constantFrom("BTC", "ETH");
const action = fc.constantFrom("BUY", "BUY", "BUY", "SELL");
const timestampMs = fc.nat(9);
const windowMs = fc.integer({ min: 1, max: 6 });
const filter = fc.oneof(fc.record({ symbol }), fc.constant({}));
const plan = fc
  .record({ symbol, action, timestampMs, planHash: fc.string({ maxLength: 2 }) })
  .map((parts) => samplePlan(parts));
const execution = fc
  .record({
    symbol,
    planHash: fc.constantFrom("a", "b", "c", "d", "e"),
    status: fc.constantFrom("success", "error", "skipped"),
    executed: fc.boolean(),
    timestampMs,
  })
  .map((parts) => sampleExecution(parts));
const holder = fc.constantFrom("x", "y");
const nowMs = fc.nat(9);
const planHash = fc.constantFrom("a", "b", "c");
/** Tokens are small here because the clock is, so some of these are right, some old and some of the future. */
const fencingToken = fc.oneof(fc.constant(0), fc.nat(12));
const write = fc.oneof(
  fc
    .tuple(session, plan, fc.option(windowMs, { nil: undefined }))
    .map(
      ([id, one, onlyIfNewWithinMs]) =>
        new StoreCall(`savePlan ${JSON.stringify([id, one, onlyIfNewWithinMs])}`, (store) =>
          store.savePlan(id, one, onlyIfNewWithinMs === undefined ? {} : { onlyIfNewWithinMs }),
        ),
    ),
  fc
    .tuple(session, execution, fc.option(fc.record({ fencingToken, nowMs }), { nil: undefined }))
    .map(
      ([id, one, fence]) =>
        new StoreCall(`markExecuted ${JSON.stringify([id, one, fence])}`, (store) =>
          store.markExecuted(id, one, fence),
        ),
    ),
  fc
    .tuple(session, fc.record({ planHash, holder, nowMs, leaseMs: fc.integer({ min: 1, max: 5 }) }))
    .map(
      ([id, claim]) =>
        new StoreCall(`claimExecution ${JSON.stringify([id, claim])}`, (store) => store.claimExecution(id, claim)),
    ),
  fc
    .tuple(session, planHash, fencingToken)
    .map(
      ([id, hash, token]) =>
        new StoreCall(`releaseExecution ${JSON.stringify([id, hash, token])}`, (store) =>
          store.releaseExecution(id, hash, token),
        ),
    ),
);
const read = fc.oneof(
  fc
    .tuple(session, plan, windowMs)
    .map(
      ([id, one, within]) =>
        new StoreCall(`findDuplicate ${JSON.stringify([id, one, within])}`, (store) =>
          store.findDuplicate(id, one, within),
        ),
    ),
  fc
    .tuple(session, filter, fc.integer({ min: 1, max: 6 }))
    .map(
      ([id, by, limit]) =>
        new StoreCall(`recentPlans ${JSON.stringify([id, by, limit])}`, (store) =>
          store.recentPlans(id, { ...by, limit }),
        ),
    ),
  fc
    .tuple(session, filter)
    .map(
      ([id, by]) =>
        new StoreCall(`executionStats ${JSON.stringify([id, by])}`, (store) =>
          store.executionStats(id, { ...by, recentLimit: 3 }),
        ),
    ),
  fc
    .tuple(session, fc.constantFrom("a", "b", "c"))
    .map(
      ([id, hash]) =>
        new StoreCall(`findExecution ${JSON.stringify([id, hash])}`, (store) => store.findExecution(id, hash)),
    ),
);

/** Steps one after the other. The calls of a step are all made before one of them is answered. */
const history = fc.array(
  fc.oneof(
    fc.array(write, { minLength: 1, maxLength: 8 }),
    read.map((call) => [call]),
  ),
  { minLength: 15, maxLength: 40 },
);

/** Plays random histories on the driver and on the model, and fails with the shortest one in which they differ. */
export async function compareWithModel(driver: MemoryStoreDriver, seed: number): Promise<void> {
  const capacity = {
    sessions: 2,
    plansPerSession: 5,
    executionsPerSession: 3,
    attemptsPerSession: 2,
    claimsPerSession: 2,
  };
  const sameAsModel = fc.asyncProperty(history, async (steps) => {
    const model = createMemoryStoreModel({ ...defaultMemoryCapacity, ...capacity });
    const store = await driver.open(capacity);
    try {
      for (const calls of steps) {
        const outcomes = (each: MemoryStore): Promise<unknown[]> =>
          Promise.all(calls.map((call) => call.run(each).catch((error: { code: string }) => error.code)));
        assert.deepEqual(await outcomes(store), await outcomes(model));
      }
    } finally {
      await store.close();
    }
  });
  await fc.assert(sameAsModel, { seed, numRuns: driver.histories });
}
