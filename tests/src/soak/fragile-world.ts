import { Agent, type AgentOptions } from "@loom-bridge/client";
import { createBridge, serve } from "@loom-bridge/server";
import { createTestBridge } from "@loom-bridge/testing";
import { startCuttingProxy } from "./cutting-proxy.ts";

/** A test has no time to be polite. */
const reconnect = { firstDelayMs: 2, maxDelayMs: 20, stableAfterMs: 20 };

/** A bridge whose connections can be broken. */
export interface FragileWorld extends AsyncDisposable {
  agent(options: Omit<AgentOptions, "client">): Promise<Agent>;
  cut(): void;
}

export async function createFragileMemory(): Promise<FragileWorld> {
  const bridge = createTestBridge();
  return {
    agent: (options) => bridge.agent({ reconnect, ...options }),
    cut: () => bridge.cut(),
    [Symbol.asyncDispose]: () => bridge.close(),
  };
}

export async function createFragileSockets(): Promise<FragileWorld> {
  const server = await serve(createBridge(), { address: "127.0.0.1:0" });
  const proxy = await startCuttingProxy(server.address);
  const agents: Agent[] = [];
  return {
    async agent(options) {
      const agent = new Agent({ reconnect, ...options, address: proxy.address });
      agents.push(agent);
      await agent.start();
      return agent;
    },
    cut: () => proxy.cut(),
    async [Symbol.asyncDispose]() {
      await Promise.all(agents.map((agent) => agent.stop()));
      await proxy[Symbol.asyncDispose]();
      await server.close({ graceMs: 100 });
    },
  };
}
