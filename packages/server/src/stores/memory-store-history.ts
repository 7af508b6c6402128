import fc from "fast-check";
import type { MemoryStore } from "../domain/memory/memory-store.ts";
import { sampleExecution, samplePlan } from "./memory-store-samples.ts";

/** A call to a store; it prints what it is when a history fails. */
export class StoreCall {
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
    .tuple(session, execution)
    .map(
      ([id, one]) => new StoreCall(`markExecuted ${JSON.stringify([id, one])}`, (store) => store.markExecuted(id, one)),
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
export const memoryStoreHistory: fc.Arbitrary<StoreCall[][]> = fc.array(
  fc.oneof(
    fc.array(write, { minLength: 1, maxLength: 8 }),
    read.map((call) => [call]),
  ),
  { minLength: 15, maxLength: 40 },
);
