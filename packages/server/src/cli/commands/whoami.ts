import { exitCode } from "../exit-code.ts";
import { printable, writeJson, writeLine, writeTable } from "../output.ts";
import { type ConnectionOptions, withConnection } from "../remote/connection-options.ts";
import { answerTimeoutMs } from "../remote/remote-failure.ts";
import type { Terminal } from "../terminal.ts";

/** Tells whom the bridge takes the credentials for, and what they may do. */
export function whoami(terminal: Terminal, options: ConnectionOptions): Promise<number> {
  return withConnection(terminal, options, async ({ remote }) => {
    const answer = await remote.admin.whoAmI({}, { timeoutMs: answerTimeoutMs });
    const { subject, tenant, agentId } = answer;
    const expiresMs = Number(answer.expiresMs);
    const grants = answer.grants.map(({ act, allow, deny }) => ({ act, allow, deny }));
    if (options.json) {
      writeJson(terminal, { subject, tenant, agentId, expiresMs, grants });
      return exitCode.ok;
    }
    const lines = [
      subject === "" ? "Nobody is asked who they are; everybody may do everything." : `You are ${subject}.`,
      ...(tenant === "" ? [] : [`Your tenant is ${tenant}.`]),
      ...(agentId === "" ? [] : [`Calls without a session are agent ${agentId}'s.`]),
      ...(expiresMs === 0
        ? []
        : [`Your credentials end in ${Math.round((expiresMs - terminal.runtime.now()) / 1000)} s.`]),
    ];
    for (const line of lines) writeLine(terminal, printable(line));
    const rows = grants
      .filter(({ allow, deny }) => allow.length + deny.length > 0)
      .map(({ act, allow, deny }) => [act, allow.join(" ") || "-", deny.join(" ") || "-"]);
    if (rows.length === 0) writeLine(terminal, "You may do nothing.");
    else writeTable(terminal, ["GRANT", "ALLOW", "DENY"], rows);
    return exitCode.ok;
  });
}
