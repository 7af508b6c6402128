import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type CheckReport, checkBridge, createMemoryTarget, WireSession } from "@loom-bridge/testing/model";
import { autogenDefects } from "./autogen-defects.ts";
import type { Defect } from "./defect.ts";
import { tamper } from "./tamper.ts";
import { upstreamDefects } from "./upstream-defects.ts";

// Whether the model would notice: each defect is put between the real bridge and its clients, and must be found.

const maxRuns = 200;

function check({ options, create }: Defect, runs = maxRuns): Promise<CheckReport> {
  return checkBridge({
    runs,
    shrink: false,
    createTarget() {
      const target = createMemoryTarget(options, (transport) => {
        // One for the bridge, whoever comes first.
        defective ??= create((agentId) => {
          const session = new WireSession(transport, agentId);
          session.register({ subscriptions: [{ id: 1, filters: [agentId], window: 1 }] });
        });
        return tamper(transport, defective);
      });
      let defective: ReturnType<Defect["create"]> | undefined;
      return target;
    },
  });
}

test("what the defects are put into breaks nothing by itself", async () => {
  const { broken } = await check({ name: "none", create: () => ({}) }, 10);
  assert.equal(broken, undefined, broken?.message);
});

for (const [title, defects] of Object.entries({ upstream: upstreamDefects, AutoGen: autogenDefects })) {
  describe(`the model finds the defects of ${title}`, { concurrency: 2 }, () => {
    for (const defect of defects) {
      test(defect.name, async (context) => {
        const { broken, seed } = await check(defect);
        assert.ok(broken !== undefined, `not found in ${maxRuns} runs`);
        context.diagnostic(`seed ${seed}, run ${broken.run}: ${broken.message}`);
        assert.notEqual(broken.promise, "none", String((broken.cause as Error).stack));
      });
    }
  });
}
