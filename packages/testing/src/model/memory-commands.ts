import { createClient } from "@connectrpc/connect";
import { MemoryService } from "@loom-bridge/protocol/messages";
import { expectKept } from "./broken-promise.ts";
import { type BridgeCommand, command } from "./command.ts";

/** Many save the same plan at once if it is new: one of them does, and it can be read. */
export function savePlanTogether(savers: number): BridgeCommand {
  return command(
    `${savers} save the same plan at once, if it is new`,
    () => true,
    async (model, real) => {
      const symbol = `PLAN${(model.plans += 1)}`;
      const sessionId = real.target.name;
      const plan = { symbol, action: "BUY", confidence: 0.5, reasoning: "why not", method: "model" };
      const saving = Array.from({ length: savers }, (_, index) => {
        const client = createClient(MemoryService, real.target.transport(`saver-${index}`));
        return client.savePlan({ sessionId, plan, onlyIfNew: true, timeWindowSec: 300 });
      });
      const saved = (await real.target.run(Promise.all(saving))).filter(({ success }) => success).length;
      expectKept(saved === 1, "P11", `${saved} of ${savers} have saved the plan, and one must`);
      const reader = createClient(MemoryService, real.target.transport("saver-0"));
      const { plans } = await real.target.run(reader.getRecentPlans({ sessionId, symbol, limit: 10 }));
      expectKept(plans.length === 1, "P11", `a plan that was saved once is there ${plans.length} times`);
    },
  );
}
