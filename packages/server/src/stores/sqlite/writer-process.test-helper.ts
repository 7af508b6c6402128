import { systemRuntime } from "@loom-bridge/protocol";
import { sampleExecution, samplePlan } from "../memory-store-samples.test-helper.ts";
import { createSqliteStore } from "./sqlite-store.ts";

// A process for a test to kill. Saves and executes plans without end, and prints the hash of each when both are
// acknowledged.
const store = await createSqliteStore({ path: process.argv[2] ?? "", runtime: systemRuntime });
for (let round = 0; ; round += 1) {
  // Bursts of different size, so that some writes share a commit and some do not.
  const burst = Array.from({ length: 1 + (round % 5) }, async (_, part) => {
    const planHash = `${round}-${part}`;
    await store.savePlan("s", samplePlan({ planHash }));
    await store.markExecuted("s", sampleExecution({ planHash }));
    process.stdout.write(`${planHash}\n`);
  });
  await Promise.all(burst);
}
