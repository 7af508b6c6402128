import assert from "node:assert/strict";
import { BridgeClient } from "@loom-bridge/client";
import { untilAnswered } from "./until-answered.ts";
import type { Work } from "./work.ts";

/** Each plans for a session of its own, one plan after the other. */
const planners = 4;
/** As many as GetRecentPlans can return. */
const plansPerSession = 100;

/** Saves plans and marks them executed, each until it is answered. What a killed bridge had done stands in the way. */
export function startPlanning(address: string): Work {
  const client = new BridgeClient({ address });
  /** By session: its plans, in order, all executed. */
  const done = new Map<string, string[]>();
  let acknowledged = 0;
  let stopping = false;
  const plan = async (sessionId: string, planHash: string): Promise<void> => {
    const request = { symbol: planHash, action: "BUY", planHash, reasoning: `because of ${planHash}` };
    const [saved, again] = await untilAnswered(() => client.savePlan({ sessionId, plan: request, onlyIfNew: true }));
    assert.ok(saved.success || (again && saved.duplicatePlan?.planHash === planHash));
    const [mark, markedAgain] = await untilAnswered(() => client.markExecuted({ sessionId, planHash }));
    assert.ok(!mark.alreadyExecuted || markedAgain);
  };
  const work = async (planner: number): Promise<void> => {
    for (let index = 0; !stopping; index += 1) {
      const sessionId = `planner${planner}-${Math.floor(index / plansPerSession)}`;
      await plan(sessionId, `plan${index}`);
      done.set(sessionId, [...(done.get(sessionId) ?? []), `plan${index}`]);
      acknowledged += 1;
    }
  };
  const running = Promise.all(Array.from({ length: planners }, (_, planner) => work(planner)));
  return {
    what: "plans",
    get acknowledged() {
      return acknowledged;
    },
    async stop() {
      stopping = true;
      await running;
    },
    async verify() {
      for (const [sessionId, planned] of done) {
        const { plans } = await client.getRecentPlans({ sessionId, limit: plansPerSession });
        assert.deepEqual(
          plans.toReversed().map(({ planHash, reasoning }) => [planHash, reasoning]),
          planned.map((planHash) => [planHash, `because of ${planHash}`]),
        );
        const { totalExecutions } = await client.getExecutionStats({ sessionId });
        assert.equal(totalExecutions, planned.length);
        for (const planHash of planned) {
          assert.ok((await client.checkExecuted({ sessionId, planHash })).isExecuted, `${planHash} was executed`);
        }
      }
      await client.disconnect();
    },
  };
}
