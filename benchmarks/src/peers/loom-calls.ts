import { Agent, defineTool } from "@loom-bridge/client";
import { z } from "zod";
import type { OpenCalls, ToolMessage } from "./peer.ts";

/** Tools of agents, called by agents over their streams. */
export const openLoomCalls: OpenCalls = async (address, agentName, onFailure) => {
  let agent: Agent | undefined;
  const start = async (name?: string): Promise<Agent> => {
    const message = z.object({ text: z.string() });
    const tools =
      name === undefined ? [] : [defineTool({ name, description: "Returns it.", input: message, run: (args) => args })];
    const started = new Agent({ id: agentName, address, tools, onError: onFailure });
    await started.start();
    started.closed.catch(onFailure);
    return started;
  };
  return {
    async provide(name) {
      agent = await start(name);
    },
    async call(name, message) {
      agent ??= await start();
      return (await agent.callTool(name, message)) as ToolMessage;
    },
    async close() {
      await agent?.stop();
    },
  };
};
