import { Agent } from "@loom-bridge/client";
import type { StartRole } from "../worker/role.ts";

/** Waits with everything loaded, and starts an agent as soon as it is told the address of a bridge. */
export const start: StartRole<object> = async (_options, { fail }) => {
  let agent: Agent | undefined;
  return {
    commands: {
      /** Resolves with the Ack. */
      async register(address) {
        agent = new Agent({ id: "first", address: String(address), onError: fail });
        await agent.start();
      },
    },
    async close() {
      await agent?.stop();
    },
  };
};
