import { ProviderKind } from "@loom-bridge/protocol/messages";
import { exitCode } from "../exit-code.ts";
import { writeJson, writeLine, writeTable } from "../output.ts";
import { type ConnectionOptions, withConnection } from "../remote/connection-options.ts";
import { answerTimeoutMs } from "../remote/remote-failure.ts";
import type { Terminal } from "../terminal.ts";

export interface ToolsOptions extends ConnectionOptions {
  readonly prefix?: string;
}

/** Lists the tools that can be called now. */
export function tools(terminal: Terminal, options: ToolsOptions): Promise<number> {
  return withConnection(terminal, options, async ({ remote }) => {
    const answer = await remote.actions.listTools({ prefix: options.prefix ?? "" }, { timeoutMs: answerTimeoutMs });
    const listed = answer.tools.map(({ name, description, parametersSchema, provider, providers, metadata }) => ({
      name,
      description,
      provider: provider === ProviderKind.BRIDGE ? "bridge" : "agent",
      providers,
      // The bridge took the schema only because it is JSON.
      parametersSchema: parametersSchema === "" ? undefined : (JSON.parse(parametersSchema) as unknown),
      metadata,
    }));
    if (options.json) {
      for (const tool of listed) writeJson(terminal, tool);
    } else if (listed.length === 0) {
      writeLine(terminal, "No tools: the bridge's own are off and no connected agent provides any.");
    } else {
      const rows = listed.map(({ name, provider, providers, description }) => [
        name,
        providers.join(",") || provider,
        description,
      ]);
      writeTable(terminal, ["TOOL", "PROVIDED BY", "DESCRIPTION"], rows);
    }
    return exitCode.ok;
  });
}
