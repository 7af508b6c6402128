import { BridgeClient } from "@loom-bridge/client";
import { openSqliteStore } from "../peers/internals.ts";
import { percentile } from "../report/statistics.ts";
import type { StartRole } from "../worker/role.ts";
import type { Load, LoadResult } from "./caller.ts";
import { runInFlight } from "./in-flight.ts";
import { createPlan, type StoredPlans, sessionOf } from "./plans.ts";

export interface MemoryCallerOptions extends StoredPlans {
  /** Through a bridge. */
  readonly address?: string;
  /** Straight into the store, in this process. */
  readonly dataFile?: string;
}

export interface MemoryLoad extends Load {
  readonly call: "save" | "check";
}

/** Saves plans and asks for duplicates. */
export const start: StartRole<MemoryCallerOptions> = async (options) => {
  const calls = options.address === undefined ? await direct(options.dataFile ?? "") : await remote(options.address);
  const filled = options.plans;
  let saved = filled;
  let checked = 0;
  return {
    commands: {
      async run(argument): Promise<LoadResult> {
        const { call, ...load } = argument as MemoryLoad;
        const work = {
          save() {
            saved += 1;
            return calls.save(sessionOf(saved, options), createPlan(saved));
          },
          async check() {
            checked += 7919;
            const number = checked % filled;
            const found = await calls.check(sessionOf(number, options), createPlan(number, 1));
            if (found) throw new Error(`plan ${number} has a duplicate within a millisecond`);
          },
        }[call];
        const { durationsMs, seconds } = await runInFlight({ ...load, work });
        const sorted = durationsMs.sort();
        return { done: sorted.length, seconds, p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
      },
    },
    close: calls.close,
  };
};

interface MemoryPath {
  save(sessionId: string, plan: ReturnType<typeof createPlan>): Promise<void>;
  /** Whether there is one within a second. */
  check(sessionId: string, plan: ReturnType<typeof createPlan>): Promise<boolean>;
  close(): Promise<void>;
}

async function remote(address: string): Promise<MemoryPath> {
  const client = new BridgeClient({ address });
  await client.connect();
  const toRequest = (sessionId: string, { timestampMs, ...plan }: ReturnType<typeof createPlan>) => ({
    sessionId,
    plan: { ...plan, timestampMs: BigInt(timestampMs), metadata: { ...plan.metadata } },
  });
  return {
    async save(sessionId, plan) {
      const { success, errorMessage } = await client.savePlan(toRequest(sessionId, plan));
      if (!success) throw new Error(`a plan was not saved: ${errorMessage}`);
    },
    async check(sessionId, plan) {
      const { isDuplicate } = await client.checkDuplicate({ ...toRequest(sessionId, plan), timeWindowSec: 1 });
      return isDuplicate;
    },
    close: () => client.disconnect(),
  };
}

async function direct(dataFile: string): Promise<MemoryPath> {
  const store = await openSqliteStore(dataFile);
  return {
    async save(sessionId, plan) {
      await store.savePlan(sessionId, plan);
    },
    async check(sessionId, plan) {
      return (await store.findDuplicate(sessionId, plan, 1000)) !== undefined;
    },
    close: () => store.close(),
  };
}
