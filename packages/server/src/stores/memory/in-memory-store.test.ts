import assert from "node:assert/strict";
import { it } from "node:test";
import { memoryStoreContract } from "../memory-store-contract.test-helper.ts";
import { sampleExecution, samplePlan } from "../memory-store-samples.test-helper.ts";
import { createInMemoryStore } from "./in-memory-store.ts";

memoryStoreContract("the in-memory driver", {
  open: async (capacity) => createInMemoryStore({ capacity: capacity ?? {} }),
  histories: 500,
});

it("refuses a write that would take more memory than allowed, and changes nothing", async () => {
  const store = createInMemoryStore({ maxBytes: 100_000 });
  await store.savePlan("s", samplePlan());
  const refusal = { code: "resource_exhausted", details: { limit: "maxBytes", value: "100000" } };
  await assert.rejects(store.savePlan("s", samplePlan({ reasoning: "x".repeat(60_000) })), refusal);
  await assert.rejects(store.markExecuted("t", sampleExecution({ errorMessage: "x".repeat(60_000) })), refusal);
  assert.equal((await store.recentPlans("s", { limit: 10 })).length, 1);
  assert.equal(await store.findExecution("t", "plan"), undefined);
  await store.markExecuted("t", sampleExecution());
});

it("counts evicted records as free memory", async () => {
  const store = createInMemoryStore({ maxBytes: 100_000, capacity: { plansPerSession: 1 } });
  for (let round = 0; round < 10; round += 1) await store.savePlan("s", samplePlan({ reasoning: "x".repeat(30_000) }));
  assert.equal((await store.recentPlans("s", { limit: 10 })).length, 1);
});
