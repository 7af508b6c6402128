import { createAgent } from "@loom-bridge/client";
import { Plan, topics, types } from "./desk.ts";

/** What went over the desk's topics, as one more subscriber sees it. */
export interface DeskWatch extends AsyncDisposable {
  prices: number;
  /** The date of the newest bar that there is a plan for. */
  date: string;
  announcements: number;
  /** By hash. The bridge has acknowledged each of them. */
  readonly plans: Map<string, Plan>;
  /** The last words of the agents that are done, by agent. */
  readonly closed: Map<string, unknown>;
  /** Resolves when all of these agents are done. */
  whenClosed(agentIds: readonly string[]): Promise<void>;
}

/** Joins the desk as an agent that only listens. */
export async function watchDesk(address: string, onChange: (watch: DeskWatch) => void): Promise<DeskWatch> {
  const { promise: ended, reject } = Promise.withResolvers<never>();
  let onClosed = (): void => {};
  const agent = createAgent({
    id: "watch",
    address,
    topics: [topics.price("*"), topics.plan("*"), topics.closed("*")],
    onError: reject,
    onEvent(_context, event) {
      if (event.type === types.price) {
        watch.prices += 1;
      } else if (event.type === types.plan) {
        const plan = Plan.parse(event.json());
        watch.announcements += 1;
        if (plan.bar.date > watch.date) watch.date = plan.bar.date;
        watch.plans.set(plan.planHash, plan);
      } else {
        watch.closed.set(event.sender ?? "", event.json());
        onClosed();
      }
      onChange(watch);
    },
  });
  const watch: DeskWatch = {
    prices: 0,
    date: "",
    announcements: 0,
    plans: new Map(),
    closed: new Map(),
    async whenClosed(agentIds) {
      const all = new Promise<void>((resolve) => {
        onClosed = () => {
          if (agentIds.every((id) => watch.closed.has(id))) resolve();
        };
        onClosed();
      });
      await Promise.race([all, ended]);
    },
    [Symbol.asyncDispose]: () => agent.stop(),
  };
  ended.catch(() => {});
  // Later: when the bridge dies, its process says more about it than the stream that it takes along.
  agent.closed.catch((error: unknown) => setTimeout(reject, 1000, error).unref());
  await agent.start();
  return watch;
}
