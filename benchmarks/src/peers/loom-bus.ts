import { Agent, BridgeClient } from "@loom-bridge/client";
import type { OpenBus } from "./peer.ts";

/** Our own client, as an author uses it: agents, each with the defaults. */
export const openLoomBus: OpenBus = async (address, onFailure) => {
  const client = new BridgeClient({ address });
  await client.connect();
  const agents: Agent[] = [];
  return {
    async join({ name, topics, onEvent }) {
      const agent = new Agent({
        id: name,
        client,
        topics,
        onEvent: (_, envelope) => onEvent(envelope),
        onError: onFailure,
      });
      agents.push(agent);
      await agent.start();
      agent.closed.catch(onFailure);
      return { publish: (topic, event) => agent.post(topic, event) };
    },
    async close() {
      await Promise.all(agents.map((agent) => agent.stop()));
      await client.disconnect();
    },
  };
};
