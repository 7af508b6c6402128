import { AgentStatus } from "@loom-bridge/protocol/messages";
import { exitCode } from "../exit-code.ts";
import { briefDuration, writeJson, writeLine, writeTable } from "../output.ts";
import { type ConnectionOptions, withConnection } from "../remote/connection-options.ts";
import { answerTimeoutMs } from "../remote/remote-failure.ts";
import type { Terminal } from "../terminal.ts";

export interface AgentsOptions extends ConnectionOptions {
  readonly tool?: string;
  readonly topic?: string;
  readonly watch?: true;
}

/** Lists the agents that are connected. */
export function agents(terminal: Terminal, options: AgentsOptions): Promise<number> {
  return withConnection(terminal, options, async ({ remote }) => {
    const { tool = "", topic = "" } = options;
    const answer = await remote.agents.listAgents({ tool, topic }, { timeoutMs: answerTimeoutMs });
    const listed = answer.agents.map((agent) => ({
      agentId: agent.agentId,
      status: agent.status === AgentStatus.ACTIVE ? "active" : "inactive",
      topics: agent.subscriptions.flatMap(({ filters }) => filters),
      tools: agent.tools,
      metadata: agent.metadata,
      sessionId: agent.sessionId,
      epoch: Number(agent.epoch),
      connectedMs: Number(agent.connectedMs),
      lastSeenMs: Number(agent.lastSeenMs),
    }));
    if (options.json) {
      for (const agent of listed) writeJson(terminal, agent);
    } else if (listed.length === 0) {
      writeLine(terminal, tool + topic === "" ? "No agent is connected." : "No connected agent fits.");
    } else {
      const nowMs = terminal.runtime.now();
      const rows = listed.map((agent) => [
        agent.agentId,
        agent.status,
        briefDuration(nowMs - agent.connectedMs),
        `${briefDuration(nowMs - agent.lastSeenMs)} ago`,
        agent.topics.join(" ") || "-",
        agent.tools.join(" ") || "-",
      ]);
      writeTable(terminal, ["AGENT", "STATUS", "CONNECTED", "LAST SEEN", "TOPICS", "TOOLS"], rows);
    }
    return exitCode.ok;
  });
}
