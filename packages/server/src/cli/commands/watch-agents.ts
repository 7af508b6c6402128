import { AgentChange, type WatchAgentsResponse } from "@loom-bridge/protocol/messages";
import { timeOfDay } from "../../logging/time-of-day.ts";
import { exitCode } from "../exit-code.ts";
import { printable, writeJson, writeLine } from "../output.ts";
import { withConnection } from "../remote/connection-options.ts";
import type { Terminal } from "../terminal.ts";
import type { AgentsOptions } from "./agents.ts";

const words: Readonly<Partial<Record<AgentChange, string>>> = {
  [AgentChange.PRESENT]: "present",
  [AgentChange.COMPLETE]: "complete",
  [AgentChange.ONLINE]: "online",
  [AgentChange.OFFLINE]: "offline",
};

/** Shows who is connected, and then who comes and goes, until Ctrl-C. */
export function watchAgents(terminal: Terminal, options: AgentsOptions): Promise<number> {
  return withConnection(terminal, options, async ({ remote }) => {
    const ended = new AbortController();
    const stopListening = terminal.onInterrupt(() => ended.abort());
    try {
      const request = { tool: options.tool ?? "" };
      // A time of 0: a watch has no deadline.
      for await (const response of remote.agents.watchAgents(request, { signal: ended.signal, timeoutMs: 0 })) {
        show(terminal, options, response);
      }
    } catch (error) {
      if (!ended.signal.aborted) throw error;
    } finally {
      ended.abort();
      stopListening();
    }
    return exitCode.ok;
  });
}

function show(terminal: Terminal, { json }: AgentsOptions, { change, agent, reason }: WatchAgentsResponse): void {
  const word = words[change];
  if (word === undefined) return;
  if (json) {
    const { agentId, sessionId, epoch = 0n, tools } = agent ?? {};
    const about = agentId === undefined ? {} : { agentId, sessionId, epoch: Number(epoch), tools, reason };
    writeJson(terminal, { event: word, ...about });
  } else if (agent === undefined) {
    terminal.writeError("these are all; now what changes, until Ctrl-C\n");
  } else {
    const time = terminal.style("dim", timeOfDay(terminal.runtime.now()));
    const tools = agent.tools.length === 0 || word === "offline" ? "" : ` with ${agent.tools.join(" ")}`;
    const why = reason === "" ? "" : `: ${reason}`;
    writeLine(terminal, `${time} ${printable(`${word.padEnd(7)} ${agent.agentId}${tools}${why}`)}`);
  }
}
