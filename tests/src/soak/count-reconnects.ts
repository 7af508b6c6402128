import type { Agent } from "@loom-bridge/client";

/** Counts how often an agent came back. */
export function countReconnects(agent: Agent): { readonly count: number } {
  const counter = { count: 0 };
  void (async () => {
    let wasLost = false;
    for await (const { state } of agent.watchStatus()) {
      if (state === "online" && wasLost) counter.count += 1;
      wasLost = state === "reconnecting";
    }
  })();
  return counter;
}
