import assert from "node:assert/strict";
import { it } from "node:test";
import { requireNode } from "./require-node.ts";

it("refuses a Node older than 22.14 in one line that names both", () => {
  for (const version of ["18.20.0", "20.19.5", "22.13.1"]) {
    assert.throws(() => requireNode(version), {
      code: "failed_precondition",
      message: `[failed_precondition] Loom Bridge needs Node 22.14 or newer, and this is ${version}`,
    });
  }
});

it("takes Node 22.14 and everything newer", () => {
  for (const version of ["22.14.0", "22.23.3", "23.0.0", "24.1.0", "100.0.0-nightly"]) requireNode(version);
  requireNode();
});
