import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryTarget } from "./bridge-target.ts";
import { checkBridge } from "./check-bridge.ts";

/** `RUNS=500 pnpm test packages/testing/src/model/check-bridge.test.ts` tries as many. */
const runs = Number(process.env["RUNS"] ?? 20);

test("the bridge keeps every promise of the model, whatever is done to it", async () => {
  const report = await checkBridge({
    createTarget: () => createMemoryTarget(),
    runs,
  });
  assert.equal(report.broken, undefined, `${report.broken?.message}\n${report.broken?.commands.join("\n")}`);
  assert.equal(report.runs, runs);
});
