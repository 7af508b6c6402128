import assert from "node:assert/strict";
import { test } from "node:test";
import { createToolStatistics } from "./tool-statistics.ts";

test("when there are too many tools, the oldest without open calls makes room", () => {
  const statistics = createToolStatistics(2);
  statistics.of("busy").inFlight = 1;
  statistics.of("idle").calls = 1;
  statistics.of("new");
  assert.deepEqual([...statistics.snapshot().keys()], ["busy", "new"]);
});
