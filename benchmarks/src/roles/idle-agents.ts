import { Agent, BridgeClient } from "@loom-bridge/client";
import type { StartRole } from "../worker/role.ts";

export interface IdleAgentsOptions {
  readonly address: string;
  readonly name: string;
  readonly agents: number;
  readonly perConnection: number;
}

const startedAtATime = 50;

/** Agents that subscribe to a topic of their own and send heartbeats. */
export const start: StartRole<IdleAgentsOptions> = async (options, { fail }) => {
  const { address, name, agents: count, perConnection } = options;
  const clients = Array.from({ length: Math.ceil(count / perConnection) }, () => new BridgeClient({ address }));
  const agents: Agent[] = [];
  let closing = false;
  for (let first = 0; first < count; first += startedAtATime) {
    const group = Array.from({ length: Math.min(startedAtATime, count - first) }, (_, step) => {
      const index = first + step;
      const id = `${name}-${index}`;
      const client = clients[Math.floor(index / perConnection)] as BridgeClient;
      return new Agent({ id, client, topics: [`inbox.${id}`], onEvent: () => {}, onError: fail });
    });
    await Promise.all(group.map((agent) => agent.start()));
    for (const agent of group) {
      agent.closed.catch((error: unknown) => {
        if (!closing) fail(error);
      });
    }
    agents.push(...group);
  }
  return {
    async close() {
      closing = true;
      // All at once would be a storm of goodbyes; the bridge is about to end too.
      for (const client of clients) await client.disconnect();
    },
  };
};
