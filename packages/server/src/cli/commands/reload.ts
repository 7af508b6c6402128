import { exitCode } from "../exit-code.ts";
import { writeJson, writeLine } from "../output.ts";
import { type ConnectionOptions, withConnection } from "../remote/connection-options.ts";
import { answerTimeoutMs } from "../remote/remote-failure.ts";
import type { Terminal } from "../terminal.ts";

/** Has the bridge read its keys, rules and certificates anew. */
export function reload(terminal: Terminal, options: ConnectionOptions): Promise<number> {
  return withConnection(terminal, options, async ({ remote }) => {
    const { unchanged, changed, ended, unknown } = await remote.admin.reload({}, { timeoutMs: answerTimeoutMs });
    if (options.json) writeJson(terminal, { unchanged, changed, ended, unknown });
    else {
      const rest = unknown === 0 ? "" : `, and ${unknown} go on because nobody could say whose they are`;
      const counts = `${unchanged} unchanged, ${changed} changed, ${ended} ended${rest}`;
      writeLine(terminal, `reloaded: of the open streams, ${counts}`);
    }
    return exitCode.ok;
  });
}
